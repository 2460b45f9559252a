"""The plant's field devices: what their registers show, served over the real protocols."""
