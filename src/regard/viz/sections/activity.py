"""When things happened."""

from regard.data.overview.activity import WEEKDAYS, Activity
from regard.data.overview.report import DataReport
from regard.viz.activity import draw_activity
from regard.viz.markup import Html, chart, element, section, table


def activity_section(report: DataReport) -> Html:
    """A sentence or two, the calendar and the hours of the week.

    Args:
        report: of the log.

    Returns:
        The section; one sentence where there is no clock.
    """
    activity = report.latest.activity
    if activity is None:
        told = "The log has no times, only an order, so there is no calendar to draw."
        if report.before.activity is not None or report.before.description.odd_times is not None:
            told = "No row with a time is left, so there is no calendar to draw."
        return section("time", "When things happened", element("p", told))
    kept = "kept row" if report.after is not None else "row"
    caption = (
        f"Each cell is a weekday of one {activity.column}: the bluer, the more events. "
        f"The busiest day, {activity.busiest[0]}, has {activity.busiest[1]:,}."
    )
    if activity.hours is not None:
        caption += " Below, the hours of the week. All times are UTC."
    return section(
        "time",
        "When things happened",
        element("p", f"One event for each {kept} with a time. {_told(activity)}"),
        chart(draw_activity(activity), "activity", caption, _numbers(activity)),
    )


def _told(activity: Activity) -> str:
    """The days in words."""
    told = (
        f"{activity.active_days:,} of the {activity.days:,} days from {activity.first} to "
        f"{activity.last} have events."
    )
    if activity.silence is not None:
        first, last, days = activity.silence
        told += (
            f" The longest silence lasts {days:,} days, from {first} to {last}."
            if days > 1
            else f" No silence is longer than a day; the first is {first}."
        )
    if activity.left_out:
        told += (
            f" Left out here: {activity.left_out:,} without a time or with one before 1990 or in "
            "the future."
        )
    return told


def _numbers(activity: Activity) -> Html:
    """The calendar as a table, one row for each column of the picture."""
    columns = zip(activity.columns, *activity.calendar, strict=True)
    rows = [[first, *(f"{events:,}" for events in days)] for first, *days in columns]
    return table([f"{activity.column} of", *WEEKDAYS], rows)
