"""States of duties and samples as icon and word."""

from django import template
from django.utils.safestring import SafeString

from accounts.templatetags import components
from compliance import tables
from compliance.models import Task, WaterSample

register = template.Library()


@register.simple_tag
def task_standing(task: Task) -> SafeString:
    """How the task stands today."""
    return components.state_badge(*tables.standing_of_task(task))


@register.simple_tag
def sample_verdict(sample: WaterSample) -> SafeString:
    """What the sample says."""
    return components.state_badge(sample.get_verdict_display(), tables.VERDICT_LEVELS[sample.verdict])
