"""Movements that providers booked: places and postings."""
