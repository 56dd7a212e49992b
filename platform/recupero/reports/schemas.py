"""What the API takes and says about reports."""

from marshmallow import Schema, fields, validate

from recupero.reports.service import MEDIA_TYPES


class ReportQuerySchema(Schema):
    period = fields.String(
        validate=validate.Length(max=20),
        metadata={"description": "YYYY-MM or YYYY-MM..YYYY-MM in the creditor's time zone; else this month"},
    )


class LocaleQuerySchema(Schema):
    locale = fields.String(
        validate=validate.Length(max=10), metadata={"description": "such as es, en or pt_BR"}
    )


class FileQuerySchema(ReportQuerySchema, LocaleQuerySchema):
    """What a report's file is of, and its language."""


class ReportSchema(Schema):
    """A creditor's recovery report. Every figure is {value} or {value, numerator, denominator}; money is in
    minor units of its section's currency. `definitions` says what each figure means."""

    tenant = fields.String(required=True)
    tenant_name = fields.String(required=True)
    period = fields.String(required=True)
    timezone = fields.String(required=True)
    generated_at = fields.String(required=True)
    currencies = fields.List(fields.Dict(), required=True)
    definitions = fields.Dict(required=True)


FORMATS = tuple(MEDIA_TYPES)
