"""Files and graphs of fitted surrogates."""
