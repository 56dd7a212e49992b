An urgent action alone books its job with its outcome and asks for company as it is taken, and a contact that is only reserved is not counted; `recupero bench execute` measures that path as it is.
