// Those who work here, lived in four browsers: Anna reads a code to Sara of support, who sees how her account stands and
// nothing else; from that look one operator asks for her ledger, another one agrees, and Anna sees each look, and why.
//
// usage: node staff.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { look, makeOperator, makeStaff, open, pass, revokeStaff, run } from "./kit.mjs";
import { acceptAtFirst, addApp, address, join, later, password, signIn } from "./people.mjs";

/** Somebody who works here arrives for the first time. */
async function arrives(person, base) {
  await signIn(person, base);
  await acceptAtFirst(person, base);
  await addApp(person, base);
}

/** No name and no address of hers is anywhere on a page. */
async function hidesAnna(page) {
  const shown = await page.locator("main").innerText();
  for (const word of ["Anna", address("Anna")]) assert.ok(!shown.includes(word), shown);
  return shown;
}

/** She makes a code; it works once; what support sees is how her account stands. */
async function annaIsHelped(anna, sara, base) {
  await anna.page.goto(`${base}/security/support`);
  await look(anna.page, "staff-01-before-a-code");
  await anna.page.getByRole("button", { name: "Make a code" }).click();
  const code = await anna.page.locator("p.code").innerText();
  await look(anna.page, "staff-02-code");
  await sara.page.goto(`${base}/support`);
  await look(sara.page, "staff-03-support");
  await sara.page.getByLabel("Code").fill(code);
  await sara.page.getByRole("button", { name: "Look" }).click();
  await sara.page.getByRole("heading", { name: "How the account stands" }).waitFor();
  await look(sara.page, "staff-04-how-it-stands");
  const shown = await hidesAnna(sara.page);
  await sara.page.getByLabel("Code").fill(code);
  await sara.page.getByRole("button", { name: "Look" }).click();
  await sara.page.getByRole("alert").waitFor();
  assert.equal(await sara.page.getByRole("heading", { name: "How the account stands" }).count(), 0, "it works once");
  sara.expected(/status of 40/);
  for (const place of ["moderation", "looks", "clients", "applications"]) {
    assert.ok((await sara.page.goto(`${base}/${place}`)).status() >= 400, `${place} is not hers`);
  }
  sara.expected(/status of 40/);
  await anna.page.goto(`${base}/ledger/staff`);
  await anna.page.locator("ul.letters li").waitFor();
  await look(anna.page, "staff-05-anna-sees");
  pass();
  return shown.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/)[0];
}

/** One asks, and cannot agree to it; another one does; the first reads. */
async function twoLook(anna, olga, otto, number, base) {
  await olga.page.goto(`${base}/looks`);
  await look(olga.page, "staff-06-no-looks");
  await olga.page.getByLabel("Its number").fill(number);
  await olga.page.getByRole("button", { name: "Go on" }).click();
  await olga.page.getByLabel("Why").selectOption({ index: 1 });
  await olga.page.getByLabel("What the other operator has to know").fill("They ask who read what.");
  await look(olga.page, "staff-07-asking");
  await olga.page.getByRole("button", { name: "Ask", exact: true }).click();
  await olga.page.getByText("You asked.").waitFor();
  assert.equal(await olga.page.getByRole("button", { name: "I agree" }).count(), 0, "nobody agrees to their own");
  await otto.page.goto(`${base}/looks`);
  await otto.page.locator("ul.letters a").first().click();
  await otto.page.getByText("They ask who read what.").waitFor();
  await hidesAnna(otto.page);
  await look(otto.page, "staff-08-agreeing");
  await otto.page.getByRole("button", { name: "I agree", exact: true }).click();
  await otto.page.getByRole("button", { name: "Take my agreement back" }).waitFor();
  assert.equal(await otto.page.getByRole("link", { name: "Read it" }).count(), 0, "only who asked reads");
  await olga.page.reload();
  await olga.page.getByRole("link", { name: "Read it" }).click();
  await olga.page.getByRole("heading", { name: "A ledger" }).waitFor();
  await hidesAnna(olga.page);
  await look(olga.page, "staff-09-reading");
  const place = olga.page.url();
  await anna.page.goto(`${base}/ledger/staff`);
  assert.equal(await anna.page.locator("ul.letters li").count(), 2, "she sees both");
  await look(anna.page, "staff-10-anna-sees-both");
  await otto.page.reload();
  await otto.page.getByRole("button", { name: "Take my agreement back" }).click();
  await otto.page.getByText("Another operator asked.").waitFor();
  assert.ok((await olga.page.goto(place)).status() >= 400, "closed at once");
  olga.expected(/status of 40/);
  pass();
}

/** Whose role is taken is out. */
async function saraLeaves(sara, base) {
  revokeStaff(address("Sara"));
  later(61); // a passport of hers may be a minute old
  await sara.page.goto(`${base}/support`);
  assert.equal(await sara.page.getByLabel("Code").count(), 0, "she is signed out");
  sara.expected(/status of 40/);
  pass();
}

await run(async (browser, base, mailDir) => {
  const people = {};
  for (const name of ["Anna", "Sara", "Olga", "Otto"]) people[name] = { name, ...(await open(browser, base)) };
  const { Anna: anna, Sara: sara, Olga: olga, Otto: otto } = people;
  makeOperator(address("Olga"), password("Olga"));
  makeOperator(address("Otto"), password("Otto"));
  makeStaff("support", address("Sara"), password("Sara"));
  await join(anna, base, mailDir);
  for (const person of [sara, olga, otto]) await arrives(person, base);
  const number = await annaIsHelped(anna, sara, base);
  await twoLook(anna, olga, otto, number, base);
  await saraLeaves(sara, base);
  for (const person of Object.values(people)) {
    assert.deepEqual(person.strays, [], `${person.name}: no request leaves the site, no script error`);
  }
});
