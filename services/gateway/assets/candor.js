// Small comforts; every page works without them.
"use strict";

// The browser knows its time zone, so nobody has to look it up.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("[data-time-zone]")) {
  const known = field.tagName !== "SELECT" || [...field.options].some((option) => option.value === zone);
  if (zone && known) field.value = zone;
}

// Leaving replaces this page in the history, so that Back does not lead here.
for (const link of document.querySelectorAll("[data-leave]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    window.location.replace(link.href);
  });
}
