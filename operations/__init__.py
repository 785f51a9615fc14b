"""Day-2 commands that complement `pulumi up`: `python -m operations COMMAND --stack STACK`."""
