// How an account is secured, lived in a browser: an authenticator app and its recovery codes, two steps of signing in, a
// password that was forgotten, another one, the list of what happened; and everything of one's own taken along.
//
// usage: node security.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { acceptTerms, look, mailedLink, open, pass, run, setClock, shownAt } from "./kit.mjs";

const ANNA = "anna@example.org";
const PASSWORD = "a long sentence only Anna knows";
let now = Date.parse("2026-03-24T18:00:00Z");

/** Lets time go on; a code of an app counts once, so the next one is of another half minute. */
function later(seconds) {
  now += seconds * 1000;
  setClock(new Date(now).toISOString());
}

/** What an authenticator app shows now. */
const shows = (secret) => shownAt(secret, now);

async function story(browser, base, mailDir) {
  const { page, strays, expected } = await open(browser, base);
  const signIn = async (password) => {
    await page.goto(`${base}/sign-in`);
    await page.getByLabel("E-mail address").fill(ANNA);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
  };
  const signOut = () => page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${base}/register`);
  await page.getByLabel("E-mail address").fill(ANNA);
  await page.getByLabel("Password").fill("passwordpassword");
  await page.getByLabel("I am 18 or older").check();
  await acceptTerms(page);
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByText("one of the first that somebody would try").waitFor();
  await look(page, "security-01-weak-password");
  expected(/status of 400/);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("I am 18 or older").check();
  await acceptTerms(page);
  await page.getByRole("button", { name: "Register" }).click();
  await page.goto(await mailedLink(mailDir, ANNA));
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await signIn(PASSWORD);
  await page.getByRole("heading", { name: "Your timeline" }).waitFor();

  // An app, set up without a camera.
  await page.goto(`${base}/security`);
  await page.getByRole("link", { name: "Set up an authenticator app" }).click();
  await page.getByRole("img", { name: "The secret as a QR code" }).waitFor();
  await look(page, "security-02-app");
  const secret = await page.locator("code.secret").innerText();
  await page.getByLabel("The six digits it shows now").fill("000000");
  await page.getByRole("button", { name: "Use this app" }).click();
  await page.getByRole("alert").waitFor();
  expected(/status of 403/);
  assert.equal(await page.locator("code.secret").innerText(), secret, "it is still the same app");
  await page.getByLabel("The six digits it shows now").fill(shows(secret));
  await page.getByRole("button", { name: "Use this app" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  const codes = await page.locator(".codes code").allInnerTexts();
  assert.equal(codes.length, 10);
  await look(page, "security-03-codes");
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByText("Recovery codes left: 10").waitFor();
  await look(page, "security-04-security");
  await signOut();

  // Signing in takes two steps now; a recovery code stands in for the app once.
  later(30);
  await signIn(PASSWORD);
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  await look(page, "security-05-second-step");
  await page.getByLabel("Code").fill("123456");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alert").waitFor();
  expected(/status of 401/);
  await page.getByLabel("Code").fill(codes[0].toLowerCase());
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Your timeline" }).waitFor();
  await signOut();

  // A password that was forgotten: the mail is not enough, the app is asked for as well.
  await page.goto(`${base}/sign-in`);
  await page.getByRole("link", { name: "Set a new one" }).click();
  await look(page, "security-06-reset");
  await page.getByLabel("E-mail address").fill(ANNA);
  await page.getByRole("button", { name: "Send me the link" }).click();
  await page.waitForURL(/sent=1/);
  await page.goto(await mailedLink(mailDir, ANNA, "reset"));
  await page.getByLabel("New password").fill("another sentence of hers");
  await page.getByRole("button", { name: "Set my new password" }).click();
  await page.getByLabel("Code").waitFor();
  await look(page, "security-07-reset-needs-code");
  expected(/status of 4\d\d/);
  await page.getByLabel("New password").fill("another sentence of hers");
  await page.getByLabel("Code").fill(shows(secret));
  await page.getByRole("button", { name: "Set my new password" }).click();
  await page.getByRole("heading", { name: "Your new password is set" }).waitFor();
  later(30);
  await signIn("another sentence of hers");
  await page.getByLabel("Code").fill(shows(secret));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Your timeline" }).waitFor();

  // Later than five minutes it is proven again, with both, and one comes back to where one was.
  later(400);
  await page.goto(`${base}/security`);
  await look(page, "security-08-notices");
  for (const told of ["set anew with a link from a mail", "recovery code was used", "authenticator app was set up"]) {
    await page.getByText(told).waitFor();
  }
  await page.getByRole("link", { name: "Change it" }).click();
  await page.getByLabel("Password").fill("another sentence of hers");
  await page.getByLabel("Code").fill(shows(secret));
  await look(page, "security-09-prove-again");
  await page.getByRole("button", { name: "It is me" }).click();
  await page.getByLabel("New password").fill("wren7quoitz");
  await page.getByRole("button", { name: "Change my password" }).click();
  await page.getByText("Your password was changed.").waitFor();
  // Too short to stand alone, it keeps the app from being taken away.
  await page.getByRole("link", { name: "Take the app away" }).click();
  await look(page, "security-09-away");
  await page.getByRole("button", { name: "Take it away" }).click();
  await page.getByText("needs at least 15 characters").waitFor();
  expected(/status of 4\d\d/);
  // The password set by mail made the account forget every device but this one: the sign-in after it is no news.
  await page.goto(`${base}/security`);
  assert.equal(await page.getByText("signed in from a device that was not known here").count(), 0);
  await page.goto(`${base}/sessions`);
  assert.equal(await page.getByRole("button", { name: "Forget this device" }).count(), 1);
  await look(page, "security-10-devices");
  await page.getByRole("button", { name: "Forget this device" }).click();
  await page.getByText("None is known.").waitFor();

  // Everything of hers as a file: asked for, a day later taken with a fresh proof, and called off.
  await page.goto(`${base}/data`);
  await look(page, "security-11-data");
  await page.getByRole("button", { name: "Ask for it" }).click();
  await page.getByText("Your file opens").waitFor();
  await look(page, "security-12-export-waits");
  later(24 * 60 * 60);
  await page.goto(`${base}/data`);
  await page.getByRole("button", { name: "Take the file" }).click();
  await page.getByLabel("Password").fill("wren7quoitz");
  await page.getByLabel("Code").fill(shows(secret));
  await page.getByRole("button", { name: "It is me" }).click();
  await look(page, "security-13-export-open");
  const sent = page.waitForEvent("download");
  await page.getByRole("button", { name: "Take the file" }).click();
  const file = await sent;
  assert.equal(file.suggestedFilename(), "my-data.zip");
  assert.equal(await file.failure(), null, "it came whole");
  const bytes = readFileSync(await file.path());
  assert.ok(bytes.includes("journal/entries-1.html") && bytes.includes("export.json"), "with what is hers");
  await page.goto(`${base}/data`);
  await page.getByText("Taken so far: 1.").waitFor();
  await page.getByRole("button", { name: "Call it off" }).click();
  await page.getByRole("button", { name: "Ask for it" }).waitFor();
  assert.deepEqual(strays, [], "no request leaves the site, no script error");
  pass();
}

await run(story);
