"""Commands beside `pulumi up`: `python -m operations COMMAND --stack STACK`."""
