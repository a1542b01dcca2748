"""The pages that the gateway serves, as they are: no build step."""
