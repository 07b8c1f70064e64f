// Leaving for good, lived in three browsers: Anna sets an app up, links with Ben, shows him something, and ends the link from a
// browser elsewhere; she reads in her ledger that nothing is open, asks for her file, has everything destroyed, calls that off,
// asks again; a week later the certificate says what was destroyed, nobody signs in with her address, and Ben has what is his.
//
// usage: node leaving.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { look, open, pass, run, until } from "./kit.mjs";
import { addApp, address, join, later, password, shows, signIn, theyLink } from "./people.mjs";

const DAY = 24 * 60 * 60;
const WORDS = "What I never said at dinner.";

/** She writes something down and shows it to him. */
async function sheShares({ page }, base) {
  await page.goto(`${base}/write`);
  await page.getByLabel("Title").fill("Dinner");
  await page.getByLabel("Your words").fill(WORDS);
  await page.getByRole("button", { name: "Keep" }).click();
  await page.getByRole("link", { name: "Share something of this" }).click();
  await page.getByRole("radio", { name: /^All of it/ }).check();
  await page.getByRole("radio", { name: "now", exact: true }).check();
  await page.getByRole("button", { name: "See what they would see" }).click();
  await page.getByRole("button", { name: "Share it" }).click();
  await page.getByRole("heading", { name: "Something you shared" }).waitFor();
  await page.goto(`${base}/ledger`);
  await page.getByText(/^To Ben, since/).waitFor();
  await look(page, "leaving-01-ledger-open");
  pass();
}

/** She ends the link in a browser that nobody else sees; in the first one, and for him, nothing is open any more. */
async function sheUnlinksFromElsewhere(anna, elsewhere, ben, base) {
  await ben.page.goto(`${base}/received`);
  await ben.page.getByRole("link", { name: "Open it" }).click();
  await ben.page.getByText(WORDS).waitFor();
  await signIn(elsewhere, base);
  await elsewhere.page.goto(`${base}/couple`);
  await elsewhere.page.getByRole("link", { name: "See what ending means" }).click();
  await look(elsewhere.page, "leaving-02-ending-elsewhere");
  await elsewhere.page.getByRole("button", { name: "End the link now" }).click();
  await elsewhere.page.getByRole("heading", { name: "You are not linked" }).waitFor();
  await look(elsewhere.page, "leaving-03-parted-elsewhere");

  const answer = await ben.page.reload();
  assert.equal(answer.status(), 404, "what she shared is gone for him");
  ben.expected(/status of 404/);
  await anna.page.goto(`${base}/ledger`);
  await anna.page.getByText("Nothing you wrote is open to anyone.").waitFor();
  await look(anna.page, "leaving-04-ledger-closed");
  pass();
}

/** Her file is asked for. It opens a day later, and nobody takes it before. */
async function sheAsksForHerFile({ page }, base) {
  await page.goto(`${base}/data`);
  await look(page, "leaving-05-data");
  await page.getByRole("button", { name: "Ask for it" }).click();
  await page.getByText("Your file opens").waitFor();
  assert.equal(await page.getByRole("button", { name: "Take the file" }).count(), 0);
  await look(page, "leaving-06-file-waits");
  pass();
}

/** Reads what it means and asks; the code of the certificate. */
async function sheAsks(person, base, name) {
  const { page, secret } = person;
  await page.goto(`${base}/data`);
  await page.getByRole("link", { name: "See what it means" }).click();
  await page.getByRole("heading", { name: "Having everything destroyed" }).waitFor();
  await look(page, `${name}-what-it-means`);
  await page.getByRole("button", { name: "Destroy everything in seven days" }).click();
  const again = page.getByRole("heading", { name: "Is it you?" });
  const asked = page.getByRole("heading", { name: "Everything of yours will be destroyed" });
  await again.or(asked).waitFor();
  if (await again.count()) {
    await page.getByLabel("Password").fill(password("Anna"));
    await page.getByLabel("Code").fill(shows(secret));
    await look(page, `${name}-prove-again`);
    await page.getByRole("button", { name: "It is me" }).click();
    await page.getByRole("button", { name: "Destroy everything in seven days" }).click();
    await asked.waitFor();
  }
  await look(page, `${name}-asked`);
  return page.locator(".codes code").innerText();
}

/** Opens the certificate as whoever has its code, signed in nowhere; the status and the page's words. */
async function certificate(guest, base, code) {
  await guest.page.goto(`${base}/certificate`);
  await guest.page.getByLabel("Code").fill(code);
  const [answer] = await Promise.all([
    guest.page.waitForResponse((response) => response.request().method() === "POST"),
    guest.page.getByRole("button", { name: "Show it" }).click(),
  ]);
  await guest.page.waitForLoadState();
  return [answer.status(), await guest.page.locator("main").innerText()];
}

/** She has it destroyed, calls that off, and later asks again, for which she proves who she is. */
async function sheAsksCallsOffAndAsksAgain(anna, guest, base) {
  const first = await sheAsks(anna, base, "leaving-07");
  let [status, words] = await certificate(guest, base, first);
  assert.ok(status === 200 && words.includes("It is still to be destroyed"), words);
  await look(guest.page, "leaving-08-certificate-waits");
  await anna.page.goto(`${base}/data`);
  await look(anna.page, "leaving-09-data-waits");
  const waits = anna.page.getByRole("region", { name: "Everything of yours will be destroyed" });
  await waits.getByRole("button", { name: "Call it off" }).click();
  await anna.page.getByRole("link", { name: "See what it means" }).waitFor();
  [status, words] = await certificate(guest, base, first);
  assert.ok(status === 404 && !words.includes("destroyed by"), "a code of what was called off opens nothing");
  guest.expected(/status of 404/);
  await anna.page.goto(`${base}/timeline`);
  await anna.page.getByRole("link", { name: "Dinner" }).waitFor();

  later(400);
  const second = await sheAsks(anna, base, "leaving-10");
  assert.notEqual(second, first);
  pass();
  return second;
}

/** A week later nothing is left but a certificate; every browser of hers is signed out, and her address opens nothing. */
async function nothingIsLeft(anna, elsewhere, guest, base, code) {
  later(7 * DAY);
  let words = "";
  await until(async () => {
    later(30);
    [, words] = await certificate(guest, base, code);
    return words.includes("Nothing is left");
  }, "everything is destroyed");
  await look(guest.page, "leaving-11-certificate");
  for (const told of ["What was destroyed", "entries: 1", "shares: 1", "Signature (Ed25519)", "no backup holds a key"]) {
    assert.ok(words.includes(told), `${told} is not in ${words}`);
  }
  assert.ok(!words.includes(address("Anna")) && !words.includes("Anna"), "it names nobody");
  for (const [{ page }, name] of [[anna, "here"], [elsewhere, "elsewhere"]]) {
    await page.goto(`${base}/timeline`);
    await page.waitForURL(/\/sign-in/);
    assert.ok(!(await page.content()).includes("Dinner"), name);
  }
  await anna.page.getByLabel("E-mail address").fill(address("Anna"));
  await anna.page.getByLabel("Password").fill(password("Anna"));
  await anna.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await anna.page.getByRole("alert").waitFor();
  await look(anna.page, "leaving-12-sign-in-refused");
  anna.expected(/status of 401/);
  pass();
}

/** He is here as ever, and nothing of hers is. */
async function heIsAsEver({ page }, base) {
  for (const place of ["received", "couple"]) {
    await page.goto(`${base}/${place}`);
    const words = await page.locator("main").innerText();
    assert.ok(words.includes("You are not linked") && !words.includes(WORDS), words);
  }
  await page.goto(`${base}/timeline`);
  await page.getByRole("heading", { name: "Your timeline" }).waitFor();
  pass();
}

await run(async (browser, base, mailDir) => {
  const person = async (name) => ({ name, ...(await open(browser, base)) });
  const [anna, ben, guest] = [await person("Anna"), await person("Ben"), await person("Nobody")];
  await join(anna, base, mailDir);
  await addApp(anna, base);
  await join(ben, base, mailDir);
  await theyLink(anna, ben, base);
  await sheShares(anna, base);
  const elsewhere = { ...(await person("Anna")), secret: anna.secret };
  await sheUnlinksFromElsewhere(anna, elsewhere, ben, base);
  await sheAsksForHerFile(anna, base);
  const code = await sheAsksCallsOffAndAsksAgain(anna, guest, base);
  await nothingIsLeft(anna, elsewhere, guest, base, code);
  await heIsAsEver(ben, base);
  for (const one of [anna, elsewhere, ben, guest]) {
    assert.deepEqual(one.strays, [], `${one.name}: no request leaves the site, no script error`);
  }
});
