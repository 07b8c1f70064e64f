// Trust and safety, lived in three browsers: Ben reports Anna and blocks her; an operator reads what he attached and nothing
// else, and suspends her account; she reads why, reaches what is never gated and nothing else, objects, and is heard.
//
// usage: node trust.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { look, makeOperator, open, pass, run } from "./kit.mjs";
import { acceptAtFirst, addApp, address, join, password, press, signIn, theyLink } from "./people.mjs";

const WORDS = "If you tell anybody, you will see what happens.";

/** He chooses whom, sees what will be read, sends it, and with it the link ends. */
async function benReports(anna, ben, base) {
  await ben.page.goto(`${base}/report`);
  await look(ben.page, "trust-01-whom");
  await ben.page.getByRole("link", { name: "Report", exact: true }).click();
  await ben.page.getByLabel("Why").selectOption({ index: 1 });
  await ben.page.getByLabel("What they need to know").fill("It frightens me.");
  await ben.page.getByLabel("Words to attach").fill(WORDS);
  await ben.page.getByLabel("Block them as well").check();
  await look(ben.page, "trust-02-reporting");
  await ben.page.getByRole("button", { name: "See what will be read" }).click();
  await ben.page.getByText(WORDS).first().waitFor();
  await look(ben.page, "trust-03-preview");
  await ben.page.getByRole("button", { name: "Send it" }).click();
  await ben.page.getByRole("heading", { name: "It is sent" }).waitFor();
  await look(ben.page, "trust-04-sent");
  for (const place of ["couple", "security", "inbox"]) {
    await anna.page.goto(`${base}/${place}`);
    const shown = await anna.page.locator("main").innerText();
    assert.ok(!/reported|blocked|Ben/.test(shown), `${place} tells her nothing: ${shown}`);
  }
  pass();
}

/** The operator reads it, and suspends. */
async function olgaSuspends(operator, base) {
  makeOperator(address("Olga"), password("Olga"));
  await signIn(operator, base);
  await acceptAtFirst(operator, base);
  await addApp(operator, base);
  await operator.page.goto(`${base}/moderation`);
  await look(operator.page, "trust-05-queue");
  await operator.page.locator("ul.letters a").first().click();
  await operator.page.getByText(WORDS).waitFor();
  await look(operator.page, "trust-06-report");
  const shown = await operator.page.locator("main").innerText();
  for (const name of ["Anna", "Ben"]) assert.ok(!shown.includes(name) && !shown.includes(address(name)), shown);
  await operator.page.getByLabel("Why").selectOption({ index: 1 });
  await operator.page.getByLabel("For how long").selectOption("30");
  await operator.page.getByRole("button", { name: "Suspend", exact: true }).click();
  await operator.page.getByText("Nothing waits.").waitFor();
  await operator.page.goto(`${base}/moderation?show=decided`);
  await operator.page.locator("ul.letters a").first().click();
  await operator.page.getByText("This account is suspended.").waitFor();
  pass();
}

/** She is led to why, can go away and take along, and cannot write. */
async function annaObjects(anna, base) {
  await signIn(anna, base);
  await anna.page.goto(`${base}/suspended`);
  await anna.page.getByRole("heading", { name: "Your account is suspended" }).waitFor();
  await look(anna.page, "trust-07-suspended");
  await anna.page.goto(`${base}/data`);
  await anna.page.getByRole("heading").first().waitFor();
  await anna.page.goto(`${base}/suspended`);
  await anna.page.getByLabel("Why it is wrong").fill("It was a line of a play we rehearse.");
  await anna.page.getByRole("button", { name: "Object" }).click();
  await anna.page.getByText("It waits for a decision.").waitFor();
  await look(anna.page, "trust-08-objected");
  pass();
}

/** Hers is heard, and everything is open to her again. */
async function olgaDecides(anna, operator, base) {
  await operator.page.goto(`${base}/suspensions`);
  await look(operator.page, "trust-09-suspensions");
  await operator.page.locator("ul.letters a").first().click();
  await operator.page.getByText("a line of a play").waitFor();
  await look(operator.page, "trust-10-objection");
  await operator.page.getByRole("button", { name: /^Grant it/ }).click();
  await operator.page.getByText("over", { exact: true }).waitFor();
  await signIn(anna, base);
  await anna.page.goto(`${base}/write`);
  await anna.page.getByLabel("Your words").waitFor();
  pass();
}

await run(async (browser, base, mailDir) => {
  const people = {};
  for (const name of ["Anna", "Ben", "Olga"]) people[name] = { name, ...(await open(browser, base)) };
  const { Anna: anna, Ben: ben, Olga: operator } = people;
  await join(anna, base, mailDir);
  await join(ben, base, mailDir);
  await theyLink(anna, ben, base);
  await benReports(anna, ben, base);
  await olgaSuspends(operator, base);
  await annaObjects(anna, base);
  await olgaDecides(anna, operator, base);
  for (const person of Object.values(people)) {
    assert.deepEqual(person.strays, [], `${person.name}: no request leaves the site, no script error`);
  }
});
