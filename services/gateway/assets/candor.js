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

// A timer for two: the same time for each, one after the other. No sound, and nothing is kept.
for (const timer of document.querySelectorAll("[data-timer]")) {
  const part = (name) => timer.querySelector(`[data-timer-${name}]`);
  const [clock, says, go, again, minutes] = ["clock", "says", "go", "again", "minutes"].map(part);
  const full = () => Number(minutes.value) * 60_000;
  let left = full();
  let turn = 1;
  let ends = 0; // while it runs: when the turn is over
  let beat = 0;

  const show = () => {
    const seconds = Math.ceil(left / 1000);
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  const stop = (label) => {
    clearInterval(beat);
    ends = 0;
    go.textContent = label;
  };
  const begin = () => {
    stop("Start");
    turn = 1;
    left = full();
    go.disabled = false;
    says.textContent = "One speaks, the other listens.";
    show();
  };
  const tick = () => {
    left = Math.max(0, ends - performance.now());
    show();
    if (left > 0) return;
    if (turn === 1) {
      stop("Start the second turn");
      turn = 2;
      left = full();
      show();
      says.textContent = "Time to swap, when you are ready.";
    } else {
      stop("Start");
      go.disabled = true;
      says.textContent = "That is the time. You can leave it here.";
    }
  };
  go.addEventListener("click", () => {
    if (ends) {
      tick();
      if (ends) stop("Go on");
      return;
    }
    ends = performance.now() + left;
    beat = setInterval(tick, 250);
    go.textContent = "Pause";
    says.textContent = turn === 1 ? "One speaks, the other listens." : "Now the other speaks.";
    tick();
  });
  again.addEventListener("click", begin);
  minutes.addEventListener("change", begin);
  begin();
  timer.hidden = false;
}

// The code of an invitation comes behind the # of its link, which no server is sent. It leaves the address bar at once,
// and travels in a form.
const paste = document.querySelector("form[data-fragment]");
if (paste && location.hash.length > 1) {
  paste.elements.code.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  paste.requestSubmit();
}

// Fields that are there to be copied.
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  });
}

// Beginnings of an answer can be pressed.
for (const starter of document.querySelectorAll("[data-starter]")) {
  const field = document.getElementById(starter.dataset.starter);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = starter.textContent;
  starter.replaceWith(button);
  button.addEventListener("click", () => {
    const before = field.value.trimEnd();
    field.value = `${before}${before ? "\n" : ""}${button.textContent.replace(/\s*…$/, "")} `;
    field.focus();
  });
}

// A passkey: the device is asked with what the page brought, and its answer goes back in the page's form. Every answer of a
// device is one sentence; a browser that cannot ask keeps the page's own words.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const Passkey = window.PublicKeyCredential;
  if (!Passkey?.parseRequestOptionsFromJSON || !Passkey.prototype.toJSON) continue;
  const [button, says] = [form.querySelector("button"), form.querySelector("[data-passkey-says]")];
  const asked = JSON.parse(form.dataset.passkey);
  const ask = () => form.dataset.passkeyFor === "new"
    ? navigator.credentials.create({ publicKey: Passkey.parseCreationOptionsFromJSON(asked) })
    : navigator.credentials.get({ publicKey: Passkey.parseRequestOptionsFromJSON(asked) });
  const sentences = {
    InvalidStateError: "This device has a passkey of yours already. Nothing was changed.",
    NotAllowedError: "It was stopped, or took too long. Nothing was changed. You can try again.",
    SecurityError: "A passkey works only at this site's own name, and this address is another. Nothing was changed.",
  };
  let asking = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    if (asking) return;
    asking = true;
    says.textContent = "Your device is asking you now.";
    try {
      form.elements.credential.value = JSON.stringify((await ask()).toJSON());
      form.submit();
    } catch (error) {
      says.textContent = sentences[error.name] ?? "This device cannot do that. Nothing was changed.";
    }
    asking = false;
  });
  document.querySelector("[data-passkey-without]").hidden = true;
  button.hidden = false;
}

// What is pressed twice in haste is sent once.
for (const form of document.querySelectorAll("form[data-once]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => { sent = false; });
}
