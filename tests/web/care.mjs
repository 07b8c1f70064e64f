// Care, lived in four browsers: a counselor is verified; Anna asks them for herself, is taken on, opens what she wrote to
// them, takes it back, and leaves; she and Ben are in their care as two, change how confidentiality is, and part from it; nobody sees what is not theirs.
//
// usage: node care.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { look, makeOperator, open, pass, run } from "./kit.mjs";
import { acceptAtFirst, addApp, address, join, password, press, signIn, theyLink } from "./people.mjs";

/** Carla applies; an operator looks and verifies. */
async function carlaIsVerified(carla, operator, base, mailDir) {
  await join(carla, base, mailDir);
  await carla.page.goto(`${base}/practice/application`);
  await carla.page.getByLabel("Name", { exact: true }).fill("Carla Roth");
  await carla.page.getByLabel("Languages you work in").fill("en de");
  await carla.page.getByLabel("couples").check();
  await carla.page.getByLabel("How you work").fill("Slowly, and with questions.");
  await carla.page.getByLabel("What it is called").first().fill("Psychotherapist");
  await carla.page.getByLabel("Where it holds").first().fill("DE");
  await carla.page.getByLabel("Number").first().fill("PT-4711");
  await carla.page.getByLabel("Last day on which it holds").first().fill("2027-03-31");
  await carla.page.getByLabel(/This account is for my practice alone/).check();
  await press(carla.page, "Hand it in", "/practice");
  makeOperator(address("Olga"), password("Olga"));
  await signIn(operator, base);
  await acceptAtFirst(operator, base);
  await addApp(operator, base);
  await operator.page.goto(`${base}/applications`);
  await operator.page.getByRole("link", { name: "Carla Roth" }).click();
  await operator.page.getByRole("button", { name: "Verify" }).click();
  await operator.page.getByText("verified").first().waitFor();
  await signIn(carla, base);
  await addApp(carla, base);
  pass();
}

/** Anna asks for herself, is taken on, and leaves; Ben's pages hold nothing of it. */
async function careForOne(anna, ben, carla, base) {
  await anna.page.goto(`${base}/care`);
  await look(anna.page, "care-01-nobody-yet");
  await anna.page.getByRole("link", { name: "Find a counselor" }).click();
  await anna.page.getByRole("link", { name: "Carla Roth" }).click();
  await look(anna.page, "care-02-counselor");
  await anna.page.getByRole("link", { name: "Ask for care" }).click();
  await anna.page.getByLabel("Your name").fill("Anna");
  await anna.page.getByLabel("Where you are").fill("AT");
  await anna.page.getByLabel("I really am there").check();
  await anna.page.getByLabel("What you want to say with it").fill("We hardly talk.");
  await anna.page.getByRole("button", { name: "Ask", exact: true }).click();
  await anna.page.getByText("No licence that was checked holds in that place.").waitFor();
  anna.expected(/status of 400/);
  await look(anna.page, "care-03-not-licensed-there");
  await anna.page.getByLabel("Where you are").fill("de-be");
  await anna.page.getByLabel("I really am there").check();
  await press(anna.page, "Ask", "/care");
  await anna.page.getByText("waits for an answer").waitFor();
  await look(anna.page, "care-04-asked");

  await carla.page.goto(`${base}/practice/people`);
  await carla.page.getByText("We hardly talk.").waitFor();
  await look(carla.page, "care-05-they-ask");
  await carla.page.getByLabel("I may practise where they are: DE-BE").check();
  await press(carla.page, "Take them on", "/practice/people");
  await carla.page.getByRole("heading", { name: "In your care" }).waitFor();
  await look(carla.page, "care-06-in-care");
  await anna.page.goto(`${base}/security`);
  await anna.page.getByText("Something you asked was answered.").waitFor();
  await anna.page.goto(`${base}/care`);
  await anna.page.getByText("in care", { exact: true }).waitFor();

  await ben.page.goto(`${base}/care`);
  assert.ok(!(await ben.page.content()).includes("Carla"), "a partner hears of nothing");
  await ben.page.goto(`${base}/security`);
  assert.ok(!(await ben.page.content()).includes("are for"), "and is told nothing");

  await sheOpensHerJournal(anna, carla, base);
  await anna.page.goto(`${base}/care`);
  await anna.page.getByRole("link", { name: "End it" }).click();
  await look(anna.page, "care-07-ending");
  await press(anna.page, "End it now", "/care");
  await carla.page.goto(`${base}/practice/people`);
  await carla.page.getByText("Nobody at the moment.").waitFor();
  pass();
}

/** She sees first what Carla would see, opens it, sees that it was read, and takes it back. */
async function sheOpensHerJournal(anna, carla, base) {
  await anna.page.goto(`${base}/write`);
  await anna.page.getByText("Only you can read this").waitFor();
  await anna.page.getByLabel("Title").fill("An evening");
  await anna.page.getByLabel("Your words").fill("We sat **by the river** and said little.");
  await anna.page.getByRole("button", { name: "Keep" }).click();
  await anna.page.getByRole("link", { name: "Open this to Carla Roth" }).waitFor();
  await anna.page.goto(`${base}/care`);
  await anna.page.getByRole("link", { name: "What is open to them" }).click();
  await look(anna.page, "care-06a-nothing-open");
  await anna.page.getByRole("radio", { name: /^All my entries/ }).check();
  await anna.page.getByRole("button", { name: "Look at it first" }).click();
  await anna.page.getByText("We sat by the river and said little.").first().waitFor();
  await look(anna.page, "care-06b-preview");
  const before = await anna.page.locator("article.rendering").first().innerText();
  await carla.page.goto(`${base}/practice/opened`);
  await carla.page.getByText("Nothing is open to you at the moment.").waitFor();
  await press(anna.page, "I agree, open it", "/open");
  await anna.page.getByText("For your work together.").first().waitFor();
  await look(anna.page, "care-06c-open");
  await anna.page.goto(`${base}/write`);
  await anna.page.getByText(/Your entries are open to Carla Roth/).waitFor();

  await carla.page.reload();
  await look(carla.page, "care-06d-opened-to-her");
  await carla.page.getByRole("link", { name: "All entries" }).click();
  assert.equal(await carla.page.locator("article.rendering").first().innerText(), before, "the very same");
  await look(carla.page, "care-06e-reading");
  const place = carla.page.url();
  await anna.page.goto(`${base}/ledger`);
  await anna.page.getByText(/Carla Roth read an entry of yours\. You opened it on .*, for your work together\./).waitFor();
  await look(anna.page, "care-06f-ledger");
  await anna.page.goto(`${base}/care`);
  await anna.page.getByRole("link", { name: "What is open to them" }).click();
  await press(anna.page, "Take it back", "/open");
  await anna.page.getByText("Nothing of yours is open to them.").waitFor();
  assert.equal((await carla.page.goto(place)).status(), 404, "at once");
  carla.expected(/status of 404/);
  pass();
}

/** She proposes Carla for two, he agrees, Carla takes them on, and sees each alone; confidentiality changes; he leaves. */
async function careForTwo(anna, ben, carla, base) {
  await anna.page.goto(`${base}/care/together`);
  await look(anna.page, "care-08-for-two");
  await anna.page.getByRole("link", { name: "Find a counselor" }).click();
  await anna.page.getByRole("link", { name: "Carla Roth" }).click();
  await anna.page.getByRole("link", { name: "Propose for two" }).click();
  await anna.page.getByLabel("Your name").fill("Anna");
  await anna.page.getByLabel("Where you are").fill("DE");
  await anna.page.getByLabel("I really am there").check();
  await anna.page.getByRole("radio", { name: /^Limited/ }).check();
  await look(anna.page, "care-09-proposing");
  await press(anna.page, "Propose it", "/care/together");
  await anna.page.getByText("you proposed it").waitFor();
  await look(anna.page, "care-10-proposed");

  await carla.page.goto(`${base}/practice/couples`);
  await carla.page.getByText("Nobody at the moment.").waitFor();
  await ben.page.goto(`${base}/care/together`);
  await look(ben.page, "care-11-proposed-to-him");
  await ben.page.getByRole("link", { name: "Look at it" }).click();
  await ben.page.getByLabel("Your name").fill("Ben");
  await ben.page.getByLabel("Where you are").fill("DE");
  await ben.page.getByLabel("I really am there").check();
  await look(ben.page, "care-12-agreeing");
  await press(ben.page, "Agree", "/care/together");
  await ben.page.getByText("both agreed, the counselor is asked").waitFor();

  await carla.page.reload();
  await carla.page.getByLabel(/I may practise where each of them is/).check();
  await look(carla.page, "care-13-they-ask-as-two");
  await press(carla.page, "Take them on", "/practice/couples");
  await look(carla.page, "care-14-couple-in-care");
  await anna.page.reload();
  await anna.page.getByText("This is so for every couple.").waitFor();
  const locked = await anna.page.locator("main").innerText();
  await press(carla.page, "I have seen Anna alone", "/practice/couples");
  await anna.page.reload();
  assert.equal(await anna.page.locator("main").innerText(), locked, "of whom it hangs shows nowhere");
  await press(carla.page, "I have seen Ben alone", "/practice/couples");
  await carla.page.getByText("Sessions of all three are open.").waitFor();

  await anna.page.reload();
  await anna.page.getByText("Sessions of all three are open.").waitFor();
  const propose = async () => {
    await anna.page.getByText("Propose another").click();
    await anna.page.getByRole("radio", { name: /^Separate/ }).check();
    await press(anna.page, "Propose it", "/care/together");
    await ben.page.reload();
  };
  await propose();
  await press(ben.page, "Decline it", "/care/together");
  await anna.page.reload();
  assert.equal(await anna.page.getByText("Take the proposal back").count(), 0, "it stands in nobody's way any more");
  await propose();
  await look(ben.page, "care-15-confidentiality-proposed");
  await press(ben.page, "Agree to it", "/care/together");
  await ben.page.getByText("You agreed.").waitFor();
  await carla.page.reload();
  await press(carla.page, "Agree to it", "/practice/couples");
  await anna.page.reload();
  await anna.page.getByText("Before: Limited").waitFor();
  await look(anna.page, "care-16-confidentiality-changed");

  await ben.page.reload();
  await ben.page.getByRole("link", { name: "Leave it" }).click();
  await look(ben.page, "care-17-leaving");
  await press(ben.page, "Leave it now", "/care/together");
  await anna.page.reload();
  await anna.page.getByText("There is nothing at the moment.").waitFor();
  await carla.page.reload();
  await carla.page.getByText("Nobody at the moment.").waitFor();
  pass();
}

await run(async (browser, base, mailDir) => {
  const people = {};
  for (const name of ["Anna", "Ben", "Carla", "Olga"]) people[name] = { name, ...(await open(browser, base)) };
  const { Anna: anna, Ben: ben, Carla: carla, Olga: operator } = people;
  await carlaIsVerified(carla, operator, base, mailDir);
  await join(anna, base, mailDir);
  await join(ben, base, mailDir);
  await theyLink(anna, ben, base);
  await careForOne(anna, ben, carla, base);
  await careForTwo(anna, ben, carla, base);
  for (const person of Object.values(people)) {
    assert.deepEqual(person.strays, [], `${person.name}: no request leaves the site, no script error`);
  }
});
