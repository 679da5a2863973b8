"""What every training run needs, whatever it learns: its lock, its reports, its learning rate, its pace."""
