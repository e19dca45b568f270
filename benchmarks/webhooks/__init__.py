"""How fast webhooks are acknowledged and applied, beside the pipeline that textbooks describe."""
