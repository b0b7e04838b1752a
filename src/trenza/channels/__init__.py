"""What is particular to the channels: how their addresses are written and who carries messages."""
