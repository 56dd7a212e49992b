"""From due actions to messages at the provider: whose turn, what is gathered, rendered, asked of the law."""
