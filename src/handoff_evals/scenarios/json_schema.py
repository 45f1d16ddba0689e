"""The JSON Schema of scenario files, by which editors complete and check them.

It is stricter than `load_suite` in one point: a value has to be written as what it is, so that
`"3"` is no number. It can't see what only the whole file tells, as two labels that are the same.
"""

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import WithDefaultSchema

from handoff_evals.scenarios.matchers import MATCHERS
from handoff_evals.scenarios.scenario import ExpectKey
from handoff_evals.scenarios.schema import MATCHER
from handoff_evals.scenarios.suite_schema import suite_model

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {
    "type": "string",
    "pattern": r"^[\w.]+:[\w.]+$",
    "description": "A function of yours that makes them, as `module:name`.",
}
_NAMES_AN_AGENT = {"required": ["agent"], "properties": {"agent": {"minLength": 1}}}
_HAS_TURNS = {"required": ["turns"], "properties": {"turns": {"minItems": 1}}}
_MATCHER: JsonSchemaValue = {
    "type": "object",
    "description": "A matcher: one of these keys alone, and perhaps an `example` for the oracle.",
    "properties": {
        "any_of": {
            "type": "array",
            "minItems": 1,
            "description": "One of these, which may be matchers.",
        },
        "contains": {
            "type": "string",
            "pattern": r"\S",
            "description": "What has the text in it, in any case and spacing.",
        },
        "equals": {"description": "Exactly this, also where it looks like a matcher."},
        "loosely": {"description": 'The value without case and white space; `"34"` like 34.'},
        "pattern": {
            "type": "string",
            "description": "What the regular expression is found in, in any case.",
        },
        "example": {"description": "A value that meets the matcher, for the oracle to play."},
    },
    "oneOf": [{"required": [kind]} for kind in MATCHERS],
    "additionalProperties": False,
}
_EXPECTATIONS = ("ExpectModel", "ConversationExpectModel")


class _PlainSchema(GenerateJsonSchema):
    """Without titles, which repeat the keys, and with any value where a type has no schema."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's way
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        """What is left out is not checked: the descriptions say so, and no editor writes it."""
        return self.generate_inner(schema["schema"])

    def handle_invalid_for_json_schema(
        self,
        schema: CoreSchema,  # noqa: ARG002 - as above
        error_info: str,  # noqa: ARG002 - as above
    ) -> JsonSchemaValue:
        return {}


def json_schema(keys: Sequence[ExpectKey] = (), *, further_checks: bool = False) -> dict[str, Any]:
    """The schema of a scenario file, as plain values.

    Args:
        keys: what `expect:` may have besides its own keys, as for `load_suite`.
        further_checks: whether `expect:` may also have keys of checks that nobody knows here.
    """
    schema = _with_matchers(suite_model(keys).model_json_schema(schema_generator=_PlainSchema))
    schema["$defs"]["Matcher"] = _MATCHER
    definitions = schema["$defs"]
    for definition in definitions.values():
        definition.pop("title", None)
    if further_checks:
        for name in _EXPECTATIONS:
            definitions[name]["additionalProperties"] = True
    properties = schema["properties"]
    listed = properties["scenarios"]
    about = listed.pop("description")
    properties["scenarios"] = {
        "description": about,
        "anyOf": [{**listed, "minItems": 1}, _REFERENCE],
    }
    properties["agent"]["pattern"] = "^$|^[^:]+:."
    return {
        "$schema": DIALECT,
        "title": "Scenarios",
        **{name: value for name, value in schema.items() if name != "title"},
        "if": {
            "properties": {"scenarios": {"type": "array", "contains": _HAS_TURNS}},
            "required": ["scenarios"],
        },
        "then": _NAMES_AN_AGENT,
    }


def _with_matchers(schema: Any) -> Any:
    if schema == MATCHER:
        return {"$ref": "#/$defs/Matcher"}
    if isinstance(schema, dict):
        return {name: _with_matchers(value) for name, value in schema.items()}
    return [_with_matchers(each) for each in schema] if isinstance(schema, list) else schema
