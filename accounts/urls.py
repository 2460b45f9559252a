"""Routes of people and of the work they asked for."""

from django.urls import path

from accounts.views import jobs

app_name = "accounts"
urlpatterns = [
    path("jobs/<int:pk>/", jobs.JobDetail.as_view(), name="job_detail"),
    path("jobs/<int:pk>/progress/", jobs.JobProgress.as_view(), name="job_progress"),
]
