"""What a regulator or a client is shown of how people were treated, sealed with the audit trail."""
