"""Producers: whatever publishes tally events. Official tables, a simulated night."""
