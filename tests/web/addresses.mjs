// Another address, lived in two browsers: Anna reads the terms and registers, her address is changed by whoever holds her
// phone, and she puts it back from her mailbox, signed in nowhere. Then she corrects her zone, takes back that she accepts the
// terms, and accepts them again.
//
// usage: node addresses.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { acceptTerms, look, mailedLink, open, pass, run } from "./kit.mjs";
import { address, join, later, press, signIn } from "./people.mjs";

const ELSEWHERE = "somebody.else@example.org";

/** Anybody reads the terms, in each language. */
async function terms(page, base) {
  await page.goto(`${base}/terms`);
  await look(page, "addresses-01-terms");
  await page.getByRole("link", { name: "The terms of use" }).click();
  await page.getByText("This is the default text that comes with Candor.").waitFor();
  await look(page, "addresses-02-terms-of-use");
  await page.getByRole("link", { name: "de", exact: true }).click();
  await page.getByRole("heading", { name: "Nutzungsbedingungen" }).waitFor();
  assert.equal(await page.locator("article").getAttribute("lang"), "de");
  pass();
}

/** Whoever holds her phone changes the address. */
async function changed(anna, base, mailDir) {
  const { page } = anna;
  await page.goto(`${base}/security`);
  await page.getByRole("link", { name: "Change your address" }).click();
  await look(page, "addresses-03-another");
  await page.getByLabel("New e-mail address").fill(ELSEWHERE);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText(`${ELSEWHERE} waits to be confirmed.`).waitFor();
  await look(page, "addresses-04-waits");
  await page.goto(await mailedLink(mailDir, ELSEWHERE, "security/address/confirm"));
  await look(page, "addresses-05-confirm");
  await page.getByRole("button", { name: "Use this address" }).click();
  await page.getByRole("heading", { name: "Your new address is confirmed" }).waitFor();
  await look(page, "addresses-06-confirmed");
  pass();
}

/** She reads the mail at the address of before, in a browser where nobody is signed in. */
async function undone(anna, other, base, mailDir) {
  await other.page.goto(await mailedLink(mailDir, address("Anna"), "address/undo"));
  await look(other.page, "addresses-07-undo");
  await other.page.getByRole("button", { name: "Put my address back" }).click();
  await other.page.getByRole("heading", { name: "Your address is back" }).waitFor();
  await look(other.page, "addresses-08-back");
  await signIn({ ...anna, page: other.page }, base);
  await other.page.goto(`${base}/security`);
  await other.page.getByText("An earlier address was put back").waitFor();
  pass();
}

/** She corrects her zone, takes her acceptance back, and gives it again. */
async function accepted(page, base) {
  await page.goto(`${base}/security/profile`);
  await page.getByLabel("Time zone").selectOption("Europe/Vienna");
  await look(page, "addresses-09-profile");
  await press(page, "Keep this", "/security");
  await page.goto(`${base}/terms/accept`);
  await look(page, "addresses-10-accepted");
  await page.getByRole("button", { name: "Take back the terms of use" }).click();
  await page.getByRole("button", { name: "Take back the privacy notice" }).click();
  await page.getByText("You do not want to?").waitFor();
  await look(page, "addresses-11-taken-back");
  // What is hers she reads in any case; her way in leads to the terms.
  await page.goto(`${base}/timeline`);
  await page.getByRole("heading", { name: "Your timeline" }).waitFor();
  await page.goto(`${base}/`);
  await page.waitForURL(/\/terms\/accept/);
  later(60);
  await page.goto(`${base}/data`);
  await page.getByRole("heading").first().waitFor();
  await page.goto(`${base}/terms/accept?next=%2Fpath`);
  await acceptTerms(page);
  await page.getByRole("button", { name: "Accept" }).click();
  await page.waitForURL(/\/path$/);
  pass();
}

await run(async (browser, base, mailDir) => {
  const anna = { name: "Anna", ...(await open(browser, base)) };
  const other = await open(browser, base);
  await terms(anna.page, base);
  await join(anna, base, mailDir);
  await changed(anna, base, mailDir);
  await undone(anna, other, base, mailDir);
  await accepted(other.page, base);
  for (const strays of [anna.strays, other.strays]) {
    assert.deepEqual(strays, [], "no request leaves the site, no script error");
  }
});
