// The story of two people, lived in two browsers side by side: they register, link through the invitation's page, look
// at themselves, write, share a part with a preview, read, answer, take back, meet in check-ins, and part.
// Fails on any request to another origin, any console error, any accessibility violation axe finds.
//
// usage: node two.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { acceptTerms, look, mailedLink, open, pass, run, setClock, until } from "./kit.mjs";

const OPENED = "I was quiet at dinner, and it was not about you.";
const KEPT = "What I do not say yet stays on this page.";
const password = (name) => `a long sentence only ${name} knows`;

/** Registers on the page that is open, proves the address, and signs in. */
async function join({ page }, name, mailDir) {
  const email = `${name.toLowerCase()}@example.org`;
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password(name));
  await page.getByLabel("I am 18 or older").check();
  await acceptTerms(page);
  await page.getByRole("button", { name: "Register" }).click();
  await page.goto(await mailedLink(mailDir, email));
  await page.getByLabel("Password").fill(password(name));
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password(name));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** She invites; he opens the link before he has an account, and accepts once he has one. */
async function theyLink(anna, ben, base, mailDir) {
  await anna.page.goto(`${base}/register`);
  await join(anna, "Anna", mailDir);
  await anna.page.getByRole("navigation").getByRole("link", { name: "Together" }).click();
  await look(anna.page, "21-couple-not-linked");
  await anna.page.getByLabel("Your name, as they know you").fill("Anna");
  await anna.page.getByRole("button", { name: "Make an invitation" }).click();
  await anna.page.getByRole("heading", { name: "Your invitation" }).waitFor();
  await look(anna.page, "22-invitation-made");
  const link = await anna.page.getByLabel("Link", { exact: true }).inputValue();
  assert.ok(link.startsWith(`${base}/invitation#`), "the code is in the fragment, which no server sees");

  await ben.page.goto(link);
  await ben.page.getByRole("heading", { name: "Anna invites you" }).waitFor();
  assert.equal(new URL(ben.page.url()).hash, "", "the code is gone from the address bar");
  await look(ben.page, "23-invitation");
  await ben.page.getByRole("button", { name: "Register first" }).click();
  await join(ben, "Ben", mailDir);
  await ben.page.getByRole("heading", { name: "Anna invites you" }).waitFor();
  await look(ben.page, "24-invitation-signed-in");
  await ben.page.getByLabel("Your name, as they know you").fill("Ben");
  await ben.page.getByLabel("I am 18 or older").check();
  await ben.page.getByRole("button", { name: "Accept" }).click();
  await ben.page.getByRole("heading", { name: "You and Anna" }).waitFor();
  await look(ben.page, "25-couple");
  await anna.page.goto(`${base}/couple`);
  await anna.page.getByRole("heading", { name: "You and Ben" }).waitFor();
  pass();
}

/** The self-check, part after part, left once in between. */
async function sheLooksAtHerself({ page }, base) {
  await page.getByRole("navigation").getByRole("link", { name: "Self-check" }).click();
  await look(page, "26-self-check");
  await page.getByRole("button", { name: "Begin" }).click();
  for (let part = 1; ; part += 1) {
    for (const question of await page.locator("fieldset.question").all()) {
      await question.getByRole("radio", { name: part % 2 ? "Sometimes" : "Rarely" }).check();
    }
    if (part === 1) await look(page, "27-self-check-part");
    if (part === 2) {
      await page.getByRole("button", { name: "Keep and stop for now" }).click();
      await page.goto(`${base}/self-check`);
      await look(page, "28-self-check-open");
      await page.getByRole("button", { name: "Go on" }).click();
      continue;
    }
    const last = page.getByRole("button", { name: "Keep and look over it" });
    if (await last.count()) {
      await last.click();
      break;
    }
    await page.getByRole("button", { name: "Keep and go on" }).click();
  }
  await page.getByRole("heading", { name: "Your self-check so far" }).waitFor();
  await look(page, "29-self-check-parts");
  await page.getByRole("button", { name: "Finish and see what it shows" }).click();
  await page.getByRole("heading", { name: "What your self-check shows" }).waitFor();
  await look(page, "30-self-check-results");
  assert.equal(await page.locator("main meter").count(), 6, "a score for each part");
  pass();
}

/** She writes, and shares one paragraph after seeing exactly what he would see. */
async function sheShares({ page }, base) {
  await page.goto(`${base}/write`);
  await page.getByLabel("Title").fill("Dinner");
  await page.getByLabel("Your words").fill(`${OPENED}\n\n${KEPT}`);
  await page.getByRole("button", { name: "Keep" }).click();
  await page.getByRole("link", { name: "Share something of this" }).click();
  await look(page, "31-share");
  await page.getByRole("radio", { name: /Parts of it/ }).check();
  await page.getByRole("checkbox", { name: OPENED }).check();
  await page.getByLabel("Your words").fill("About that evening.");
  await page.getByRole("radio", { name: "now", exact: true }).check();
  await page.getByRole("button", { name: "See what they would see" }).click();
  await page.getByRole("heading", { name: "What Ben would see" }).waitFor();
  await look(page, "32-share-preview");
  const preview = await page.locator("article.rendering").innerText();
  assert.ok(preview.includes(OPENED) && !preview.includes(KEPT), preview);
  await page.getByRole("button", { name: "Share it" }).click();
  await page.getByRole("heading", { name: "Something you shared" }).waitFor();
  await look(page, "33-shared-one");
  return { address: page.url(), preview };
}

/** He finds it in his inbox, reads what the preview showed, and answers; she reads that and rates it for herself. */
async function heAnswers(anna, ben, base, { address, preview }) {
  await until(async () => {
    await ben.page.goto(`${base}/inbox`);
    return (await ben.page.getByRole("link", { name: "Look at it" }).count()) === 1;
  }, "what is shared is in his inbox");
  await look(ben.page, "34-inbox-share");
  await ben.page.goto(`${base}/received`);
  await look(ben.page, "35-received");
  await ben.page.getByRole("link", { name: "Open it" }).click();
  await ben.page.getByRole("heading", { name: "Anna shares this with you" }).waitFor();
  assert.equal(await ben.page.locator("article.rendering").innerText(), preview, "as previewed");
  await look(ben.page, "36-received-one");
  const received = ben.page.url();
  await anna.page.goto(`${base}/ledger`);
  assert.ok((await anna.page.locator("main").innerText()).includes("None so far"), "his reading is his");
  await look(anna.page, "37-ledger");
  await ben.page.getByLabel("Your answer").fill("I hear that you were *quiet*, and that it was not about me.");
  await ben.page.getByRole("button", { name: "Answer", exact: true }).click();
  await ben.page.getByRole("heading", { name: "Your answer" }).waitFor();
  await look(ben.page, "38-answered");

  await until(async () => {
    await anna.page.goto(`${base}/inbox`);
    return (await anna.page.getByText("There is an answer").count()) === 1;
  }, "the answer is in her inbox");
  await anna.page.goto(address);
  assert.equal(await anna.page.locator("main em").innerText(), "quiet");
  await anna.page.locator('input[name="understood"][value="4"]').check();
  await anna.page.getByRole("button", { name: "Keep this for me" }).click();
  await anna.page.goto(address);
  assert.ok(await anna.page.locator('input[name="understood"][value="4"]').isChecked());
  await look(anna.page, "39-answer");
  await until(async () => {
    await anna.page.goto(`${base}/ledger`);
    return (await anna.page.getByText("and said so").count()) > 0;
  }, "that he answered is in her ledger");
  return received;
}

/** She takes it back: for him it is as if it had never been. */
async function sheTakesItBack(anna, ben, base, address, received) {
  await anna.page.goto(address);
  await anna.page.getByRole("button", { name: "Take it back" }).click();
  await anna.page.goto(`${base}/shared`);
  await look(anna.page, "40-shared-taken-back");
  const answer = await ben.page.goto(received);
  assert.equal(answer.status(), 404);
  await look(ben.page, "41-not-open");
  ben.expected(/status of 404/);
  await ben.page.goto(`${base}/answers`);
  assert.ok((await ben.page.locator("main").innerText()).includes("not about me"), "what he wrote stays his");
  await look(ben.page, "42-answers");
}

/** They agree on a time, answer apart, and both answers open at that time. */
async function theyMeet(anna, ben, base) {
  await anna.page.goto(`${base}/check-in`);
  await look(anna.page, "43-check-in-none");
  await anna.page.getByLabel("Day, once a week").selectOption({ label: "Wednesday" });
  await anna.page.getByLabel("Time", { exact: true }).fill("20:30");
  await anna.page.getByRole("button", { name: "Propose", exact: true }).click();
  await anna.page.getByRole("heading", { name: "You proposed" }).waitFor();
  await ben.page.goto(`${base}/check-in`);
  await ben.page.getByRole("heading", { name: "Anna proposes" }).waitFor();
  await look(ben.page, "44-check-in-proposal");
  await ben.page.getByRole("button", { name: "Agree" }).click();
  await ben.page.getByRole("heading", { name: "Your answer" }).waitFor();
  await look(ben.page, "45-check-in-form");
  for (const [person, words] of [[ben, "More walks, please."], [anna, "Fewer plans, please."]]) {
    await person.page.goto(`${base}/check-in`);
    await person.page.locator("textarea").first().fill(words);
    await person.page.getByRole("button", { name: "Keep", exact: true }).click();
    await person.page.getByText(words).first().waitFor();
  }
  await look(anna.page, "46-check-in-kept");
  assert.ok(!(await anna.page.locator("main").innerText()).includes("More walks"), "nothing shows before its time");

  setClock("2026-03-25T19:30:00Z");
  for (const [person, words, name] of [[anna, "More walks, please.", "anna"], [ben, "Fewer plans, please.", "ben"]]) {
    await until(async () => {
      await person.page.goto(`${base}/check-in`);
      const before = person.page.getByRole("link", { name: /The one before/ });
      if (!(await before.count())) return false;
      await before.click();
      return (await person.page.getByText("Both answers are open").count()) === 1;
    }, "the check-in is open");
    assert.ok((await person.page.locator("main").innerText()).includes(words), "the other's words");
    await look(person.page, `47-check-in-open-${name}`);
  }
  pass();
}

/** He ends it. She sees that they are not linked, and nothing of him. */
async function theyPart(anna, ben, base) {
  const opened = anna.page.url();
  await ben.page.goto(`${base}/couple`);
  await ben.page.getByRole("link", { name: "See what ending means" }).click();
  await look(ben.page, "48-unlink");
  await ben.page.getByRole("button", { name: "End the link now" }).click();
  await ben.page.getByText("You are not linked").waitFor();
  for (const place of ["couple", "received", "check-in"]) {
    await anna.page.goto(`${base}/${place}`);
    assert.ok((await anna.page.locator("main").innerText()).includes("You are not linked"), place);
    await look(anna.page, `49-parted-${place}`);
  }
  await anna.page.goto(opened);
  const text = await anna.page.locator("main").innerText();
  assert.ok(text.includes("Fewer plans") && !text.includes("More walks"), "her own words stay, and his are gone");
  await anna.page.goto(`${base}/path`);
  await look(anna.page, "50-path");
  pass();
}

async function story(browser, base, mailDir) {
  const [anna, ben] = [await open(browser, base), await open(browser, base)];
  await theyLink(anna, ben, base, mailDir);
  await sheLooksAtHerself(anna, base);
  const shared = await sheShares(anna, base);
  const received = await heAnswers(anna, ben, base, shared);
  await sheTakesItBack(anna, ben, base, shared.address, received);
  await theyMeet(anna, ben, base);
  await theyPart(anna, ben, base);
  for (const person of [anna, ben]) assert.deepEqual(person.strays, [], "no request leaves the site, no script error");
  pass();
}

await run(story);
