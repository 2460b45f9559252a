"""Routes of people, access, profile, jobs and history; log-in and second factors are django-allauth's."""

from django.urls import path

from accounts.views import audiences, history, invitations, jobs, people, profile

app_name = "accounts"
urlpatterns = [
    path("people/", people.PersonList.as_view(), name="person_list"),
    path("people/<int:pk>/", people.PersonDetail.as_view(), name="person_detail"),
    path("people/<int:pk>/roles/", people.PersonRoles.as_view(), name="person_roles"),
    path("people/<int:pk>/access/", people.PersonAccess.as_view(), name="person_access"),
    path("people/<int:pk>/lock-out/", people.PersonDeactivate.as_view(), name="person_deactivate"),
    path("people/<int:pk>/let-in/", people.PersonReactivate.as_view(), name="person_reactivate"),
    path("people/invitations/", invitations.InvitationList.as_view(), name="invitation_list"),
    path("people/invitations/new/", invitations.InvitationCreate.as_view(), name="invitation_create"),
    path("people/invitations/<int:pk>/revoke/", invitations.InvitationRevoke.as_view(), name="invitation_revoke"),
    path("people/audiences/", audiences.AudienceList.as_view(), name="audience_list"),
    path("people/audiences/new/", audiences.AudienceCreate.as_view(), name="audience_create"),
    path("people/audiences/<int:pk>/", audiences.AudienceUpdate.as_view(), name="audience_update"),
    path("join/<str:key>/", invitations.Join.as_view(), name="join"),
    path("profile/", profile.Profile.as_view(), name="profile"),
    path("profile/keys/new/", profile.TokenCreate.as_view(), name="token_create"),
    path("profile/keys/<int:pk>/revoke/", profile.TokenRevoke.as_view(), name="token_revoke"),
    path("jobs/<int:pk>/", jobs.JobDetail.as_view(), name="job_detail"),
    path("jobs/<int:pk>/progress/", jobs.JobProgress.as_view(), name="job_progress"),
    path("jobs/<int:pk>/cancel/", jobs.JobCancel.as_view(), name="job_cancel"),
    path("history/<str:app_label>/<str:model_name>/<int:pk>/", history.History.as_view(), name="history"),
]
