"""The arena: methods on their own terms, whatever they need."""
