// The story of the walking skeleton, lived in a browser at phone and desktop size:
// register, mail, verify, sign in, write, timeline, read, path, library, a week later the inbox, sign out.
// Fails on any request to another origin, any console error, any accessibility violation axe finds.
// Screenshots go to the folder given as the second argument.
//
// usage: node story.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { acceptTerms, look, mailedLink, open, pass, run, setClock, until } from "./kit.mjs";

async function story(browser, base, mailDir) {
  const { page, strays, expected } = await open(browser, base);

  await page.goto(`${base}/`);
  await look(page, "01-start");
  await page.getByRole("navigation").getByRole("link", { name: "Register" }).click();
  assert.equal(await page.getByLabel("Time zone").inputValue(), "Europe/Berlin", "the browser's zone is filled in");
  await look(page, "02-register");
  await page.getByLabel("E-mail address").fill("anna@example.org");
  await page.getByLabel("Password").fill("a long sentence only Anna knows");
  await page.getByLabel("I am 18 or older").check();
  await acceptTerms(page);
  await page.getByRole("button", { name: "Register" }).click();
  await look(page, "03-look-at-your-mail");

  await page.goto(await mailedLink(mailDir, "anna@example.org"));
  await look(page, "04-verify");
  await page.getByLabel("Password").fill("a sentence somebody else chose");
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "04-verify-refused");
  expected(/status of 4\d\d/);
  await page.getByLabel("Password").fill("a long sentence only Anna knows");
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail address").fill("anna@example.org");
  await page.getByLabel("Password").fill("not the right sentence at all");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "05-sign-in-refused");
  expected(/status of 401/);
  await page.getByLabel("E-mail address").fill("anna@example.org");
  await page.getByLabel("Password").fill("a long sentence only Anna knows");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Your timeline" }).waitFor();
  await look(page, "06-timeline-empty");

  await page.getByRole("main").getByRole("link", { name: "Write" }).click();
  await page.getByLabel("Title").fill("Morning");
  await page.getByLabel("Your words").fill("I *nearly* said it today.\n\n<script>alert(1)</script>\n\n- tight\n- then calm");
  await page.getByText("Mood and body").click();
  await page.getByRole("radio", { name: "pleasant", exact: true }).check();
  await page.getByRole("checkbox", { name: "a tight chest" }).check();
  await look(page, "07-write");
  await page.getByRole("button", { name: "Keep" }).click();
  await page.getByRole("heading", { name: "Morning" }).first().waitFor();
  await look(page, "08-entry");
  assert.equal(await page.locator("main em").innerText(), "nearly");
  assert.equal(await page.locator("main script").count(), 0, "Markdown carries no script");
  await page.getByRole("navigation").getByRole("link", { name: "Timeline" }).click();
  await page.getByRole("link", { name: "Morning" }).waitFor();
  await look(page, "09-timeline");

  const pathShows = async () => {
    await page.goto(`${base}/path`);
    return (await page.locator("main").innerText()).includes("March 2026");
  };
  await until(pathShows, "the path counts the entry");
  await look(page, "10-path");
  await page.getByRole("navigation").getByRole("link", { name: "Library" }).click();
  await look(page, "11-library");
  await page.locator('main a[href^="/library/"]').first().click();
  await look(page, "12-article");

  await until(async () => {
    setClock("2026-04-02T18:00:00Z");
    await page.goto(`${base}/inbox`);
    return (await page.getByRole("link", { name: "Look back" }).count()) === 1;
  }, "the look-back is in the inbox");
  await look(page, "13-inbox");
  await page.getByRole("button", { name: "Mark as read" }).click();
  await page.getByRole("link", { name: "Look back" }).click();
  await page.getByRole("heading", { name: "Morning" }).first().waitFor();
  await page.getByRole("navigation").getByRole("link", { name: "Security" }).click();
  await look(page, "14-security");
  await page.getByRole("link", { name: "See them" }).click();
  await look(page, "14-sessions");
  await page.goto(`${base}/docs`);
  await look(page, "15-docs");
  await page.goto(`${base}/nowhere`);
  await look(page, "16-not-found");
  expected(/status of 404/);
  await page.goto(`${base}/timeline`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${base}/timeline`);
  assert.match(page.url(), /sign-in/, "signed out, private pages ask to sign in");
  assert.deepEqual(strays, [], "no request leaves the site, no script error");
  pass();
}

await run(story);
