"""Files that decode for ever, and what made them."""
