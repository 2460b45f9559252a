"""Routes of heat and alarms."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from thermal.views import (
    alarms,
    commissioning,
    correcting,
    corrections,
    deliveries,
    health,
    heat,
    kpis,
    readings,
    regulation,
    review,
    review_rules,
)

app_name = "thermal"
urlpatterns = [
    path("heat/", heat.HeatList.as_view(), name="heat_list"),
    path("heat/sites/<int:pk>/", heat.SiteHeat.as_view(), name="site_heat"),
    path("heat/sites/<int:pk>/fragment/", heat.SiteHeatFragment.as_view(), name="site_heat_fragment"),
    path("heat/sites/<int:pk>/key-figures/", heat.SiteKpis.as_view(), name="site_kpis"),
    path("heat/kpis/", kpis.KpiComparison.as_view(), name="kpi_comparison"),
    path("heat/kpis/weather/", regulation.WeatherImport.as_view(), name="weather_import"),
    path("heat/sites/<int:pk>/kpis/", kpis.SiteFigures.as_view(), name="kpi_site"),
    path("heat/sites/<int:pk>/disclosure/", regulation.Regulation.as_view(), name="regulation"),
    path("heat/sites/<int:pk>/disclosure/facts/add/", regulation.SiteFactCreate.as_view(), name="sitefact_create"),
    path("heat/sites/<int:pk>/live.json", heat.SiteLive.as_view(), name="site_live"),
    path("heat/sites/<int:pk>/intervals/", heat.SiteIntervals.as_view(), name="site_intervals"),
    re_path(r"^heat/sites/(?P<pk>\d+)/(?P<name>power|temperature)\.json$", heat.SiteChart.as_view(), name="site_chart"),
    re_path(
        r"^heat/sites/(?P<pk>\d+)/(?P<name>power|temperature)\.csv$",
        heat.SiteSeriesCsv.as_view(),
        name="site_series_csv",
    ),
    path("heat/health/", health.DataHealth.as_view(), name="data_health"),
    path("heat/health/<int:pk>/history/", health.DeviceHistory.as_view(), name="device_history"),
    path("heat/points/<int:pk>/", heat.PointIntervals.as_view(), name="point_intervals"),
    re_path(
        r"^heat/points/(?P<pk>\d+)/(?P<start>\d{8}T\d{4}Z)/$", heat.IntervalDetail.as_view(), name="interval_detail"
    ),
    path("heat/meters/<int:pk>/readings/", readings.ReadingList.as_view(), name="reading_list"),
    path("heat/meters/<int:pk>/readings/import/", readings.ImportReadings.as_view(), name="reading_import"),
    path(
        "inventory/devices/<int:pk>/commissioning/",
        commissioning.DeviceCommissioning.as_view(),
        name="device_commissioning",
    ),
    path("inventory/devices/<int:pk>/commissioning/look/", commissioning.DeviceProbeAsk.as_view(), name="device_probe"),
    path(
        "inventory/devices/<int:pk>/commissioning/progress/",
        commissioning.DeviceProbeProgress.as_view(),
        name="device_probe_progress",
    ),
    path(
        "inventory/controllers/<int:pk>/deliveries/",
        deliveries.ControllerDeliveries.as_view(),
        name="controller_deliveries",
    ),
    path("heat/meters/<int:pk>/quality/", review.MeterQuality.as_view(), name="meter_quality"),
    path("heat/review/", review.FindingList.as_view(), name="finding_list"),
    path("heat/review/months/", review.ReviewMonth.as_view(), name="review_month"),
    path("heat/review/<int:pk>/", review.FindingDetail.as_view(), name="finding_detail"),
    path("heat/review/<int:pk>/accept/", review.FindingAccept.as_view(), name="finding_accept"),
    path("heat/review/rules/", review_rules.RuleList.as_view(), name="validationrule_list"),
    path("heat/review/rules/add/", review_rules.RuleScope.as_view(), name="validationrule_create"),
    path("heat/review/rules/add/<str:rule>/", review_rules.RuleSet.as_view(), name="validationrule_set"),
    path("heat/review/rules/<int:pk>/", review_rules.RuleDetail.as_view(), name="validationrule_detail"),
    path("heat/review/rules/<int:pk>/change/", review_rules.RuleChange.as_view(), name="validationrule_change"),
    path("heat/corrections/", corrections.CorrectionList.as_view(), name="correction_list"),
    path("heat/corrections/<int:pk>/", corrections.CorrectionDetail.as_view(), name="correction_detail"),
    path("heat/corrections/<int:pk>/approve/", corrections.CorrectionApprove.as_view(), name="correction_approve"),
    path("heat/corrections/<int:pk>/reject/", corrections.CorrectionReject.as_view(), name="correction_reject"),
    path("heat/corrections/<int:pk>/withdraw/", corrections.CorrectionWithdraw.as_view(), name="correction_withdraw"),
    path("heat/corrections/meters/<int:pk>/edit/", correcting.CorrectionEdit.as_view(), name="correction_edit"),
    path("heat/corrections/meters/<int:pk>/divide/", correcting.CorrectionDivide.as_view(), name="correction_divide"),
    path("heat/corrections/meters/<int:pk>/unit/", correcting.CorrectionRescale.as_view(), name="correction_rescale"),
    path("heat/corrections/meters/<int:pk>/clock/", correcting.CorrectionShift.as_view(), name="correction_shift"),
    path(
        "heat/corrections/points/<int:pk>/estimate/",
        correcting.CorrectionEstimate.as_view(),
        name="correction_estimate",
    ),
    path("alarms/", alarms.AlarmList.as_view(), name="alarm_list"),
    path("alarms/acknowledge/", alarms.AlarmsAcknowledge.as_view(), name="alarms_acknowledge"),
    path("alarms/<int:pk>/", alarms.AlarmDetail.as_view(), name="alarm_detail"),
    path("alarms/<int:pk>/acknowledge/", alarms.AlarmAcknowledge.as_view(), name="alarm_acknowledge"),
    path("alarms/rules/", alarms.AlarmRuleList.as_view(), name="alarmrule_list"),
    path("alarms/rules/add/", alarms.AlarmRuleCreate.as_view(), name="alarmrule_create"),
    path("alarms/rules/<int:pk>/", alarms.AlarmRuleDetail.as_view(), name="alarmrule_detail"),
    path("alarms/rules/<int:pk>/change/", alarms.AlarmRuleUpdate.as_view(), name="alarmrule_update"),
    path("alarms/rules/<int:pk>/delete/", alarms.AlarmRuleDelete.as_view(), name="alarmrule_delete"),
    # Where the list stood before it told more than alarms.
    path("alarms/field/", RedirectView.as_view(pattern_name="thermal:data_health", permanent=True)),
]
