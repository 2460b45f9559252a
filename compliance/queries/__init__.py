"""What the pages, packs and schedules read."""
