"""Routes of sites, equipment, metering and the field."""

from django.urls import path

from hosting.views import sites

app_name = "hosting"
urlpatterns = [
    path("sites/", sites.SiteList.as_view(), name="site_list"),
    path("sites/<int:pk>/", sites.SiteDetail.as_view(), name="site_detail"),
]
