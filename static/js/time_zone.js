// Proposes the time zone of the device where nothing else was typed.
"use strict";
for (const field of document.querySelectorAll("[data-time-zone]")) {
  if (field.value === "UTC" || field.value === "") {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  }
}
