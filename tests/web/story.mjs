// The story of the walking skeleton, lived in a browser at phone and desktop size:
// register, mail, verify, sign in, write, timeline, read, path, library, a week later the inbox, sign out.
// Fails on any request to another origin, any console error, any accessibility violation axe finds.
// Screenshots go to the folder given as the second argument.
//
// usage: node story.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [binary, screens] = process.argv.slice(2);
assert.ok(binary && screens, "usage: node story.mjs CANDOR_BINARY SCREENSHOT_FOLDER");
mkdirSync(screens, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "candor-web-"));
chmodSync(folder, 0o711);
const clock = join(folder, "clock");
const ready = join(folder, "ready.json");
let passed = 0;

function setClock(instant) {
  writeFileSync(clock, instant);
}

/** Resolves as soon as `find` answers something, asked at every change of `place`. */
async function appears(place, find, what) {
  const deadline = AbortSignal.timeout(60_000);
  const watcher = watch(place, { signal: deadline });
  try {
    for (;;) {
      const found = find();
      if (found) return found;
      await Promise.race([once(watcher, "change"), once(deadline, "abort").then(() => { throw new Error(`${what} did not appear`); })]);
    }
  } finally {
    watcher.close();
  }
}

function mailedLink(dir) {
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    if (!name.endsWith(".eml")) continue;
    const text = readFileSync(join(dir, name), "utf8").replace(/=\r?\n/g, "").replaceAll("=3D", "=");
    const link = text.match(/https?:\/\/\S+\/verify\?token=[\w-]+/);
    if (link) return link[0];
  }
  return null;
}

async function look(page, name) {
  for (const [size, viewport] of [["phone", { width: 390, height: 844 }], ["desktop", { width: 1280, height: 900 }]]) {
    await page.setViewportSize(viewport);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} scrolls sideways at ${size} size by ${wide}px`);
    await page.screenshot({ path: join(screens, `${name}-${size}.png`), fullPage: true });
  }
  // Evaluated by the driver, not loaded by the page: the page's policy stays as strict as it is.
  const report = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  const found = report.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`);
  assert.deepEqual(found, [], `${name}: accessibility`);
  passed += 1;
}

async function story(browser, base, mailDir) {
  const context = await browser.newContext({ timezoneId: "Europe/Berlin", locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const strays = [];
  page.on("request", (request) => { if (!request.url().startsWith(base)) strays.push(request.url()); });
  page.on("console", (message) => { if (message.type() === "error") strays.push(message.text()); });
  page.on("pageerror", (error) => strays.push(String(error)));

  await page.goto(`${base}/`);
  await look(page, "01-start");
  await page.getByRole("navigation").getByRole("link", { name: "Register" }).click();
  assert.equal(await page.getByLabel("Time zone").inputValue(), "Europe/Berlin", "the browser's zone is filled in");
  await look(page, "02-register");
  await page.getByLabel("E-mail address").fill("anna@example.org");
  await page.getByLabel("Password").fill("a long sentence only Anna knows");
  await page.getByLabel("I am 18 or older").check();
  await page.getByRole("button", { name: "Register" }).click();
  await look(page, "03-look-at-your-mail");

  mkdirSync(mailDir, { recursive: true });
  await page.goto(await appears(mailDir, () => mailedLink(mailDir), "the verification mail"));
  await look(page, "04-verify");
  await page.getByLabel("Password").fill("a sentence somebody else chose");
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "04-verify-refused");
  strays.splice(0, strays.length, ...strays.filter((text) => !/status of 4\d\d/.test(text))); // the browser notes the refusal
  await page.getByLabel("Password").fill("a long sentence only Anna knows");
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail address").fill("anna@example.org");
  await page.getByLabel("Password").fill("not the right sentence at all");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "05-sign-in-refused");
  strays.splice(0, strays.length, ...strays.filter((text) => !/status of 401/.test(text))); // the browser notes the refusal
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
  await page.getByRole("navigation").getByRole("link", { name: "Sessions" }).click();
  await look(page, "14-sessions");
  await page.goto(`${base}/docs`);
  await look(page, "15-docs");
  await page.goto(`${base}/nowhere`);
  await look(page, "16-not-found");
  strays.splice(0, strays.length, ...strays.filter((text) => !/status of 404/.test(text)));
  await page.goto(`${base}/timeline`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${base}/timeline`);
  assert.match(page.url(), /sign-in/, "signed out, private pages ask to sign in");
  assert.deepEqual(strays, [], "no request leaves the site, no script error");
  passed += 1;
}

/** Asks again until `condition` holds; each asking is a whole page load. */
async function until(condition, what) {
  for (let tries = 0; tries < 200; tries += 1) if (await condition()) return;
  throw new Error(`${what}: not after 200 looks`);
}

setClock("2026-03-24T18:00:00Z");
const candor = spawn(binary, ["run", "--data", join(folder, "data"), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--ready-file", ready], {
  env: { PATH: process.env.PATH, HOME: process.env.HOME, PROFILE: "test", CLOCK__FILE: clock },
  stdio: ["ignore", "ignore", "inherit"],
});
let browser;
try {
  const file = await appears(folder, () => existsSync(ready) && JSON.parse(readFileSync(ready, "utf8")), "the ready file");
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  await story(browser, `http://${file.http}`, file.mail_dir);
  console.log(`${passed} passed, 0 failed`);
} catch (error) {
  console.error(error);
  console.log(`${passed} passed, 1 failed`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  candor.kill("SIGTERM");
  await once(candor, "exit");
  rmSync(folder, { recursive: true, force: true });
}
