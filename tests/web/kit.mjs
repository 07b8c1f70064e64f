// What the browser stories stand on: a Candor on a clock that is moved, a browser, and a look at each page.
import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [binary, screens] = process.argv.slice(2);
assert.ok(binary && screens, "usage: node STORY.mjs CANDOR_BINARY SCREENSHOT_FOLDER");
mkdirSync(screens, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "candor-web-"));
chmodSync(folder, 0o711);
const clock = join(folder, "clock");
const ready = join(folder, "ready.json");
let passed = 0;

/** Moves time for the whole of Candor. A reader sees the old time or the new one, never half of one. */
export function setClock(instant) {
  writeFileSync(`${clock}.half`, instant);
  renameSync(`${clock}.half`, clock);
}

/** One more thing has held. */
export function pass() {
  passed += 1;
}

/** Resolves as soon as `find` answers something, asked at every change of `place`. */
export async function appears(place, find, what) {
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

/** The link of a mail to an address: of the verification mail, or of another. */
export async function mailedLink(dir, email, kind = "verify") {
  mkdirSync(dir, { recursive: true });
  return appears(dir, () => {
    for (const name of readdirSync(dir)) {
      if (!name.endsWith(".eml")) continue;
      const text = readFileSync(join(dir, name), "utf8").replace(/=\r?\n/g, "").replaceAll("=3D", "=");
      const link = text.includes(email) && text.match(new RegExp(`https?://\\S+/${kind}\\?token=[\\w-]+`));
      if (link) return link[0];
    }
    return null;
  }, `the ${kind} mail`);
}

/** What an authenticator app shows at a moment (RFC 6238). */
export function shownAt(secret, now) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(" ", "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Checks what has to be accepted, each by itself. */
export async function acceptTerms(page) {
  await page.getByLabel("I accept the terms of use").check();
  await page.getByLabel("I accept the privacy notice").check();
}

/** What whoever sits at the machine has candor do, beside the running one. */
function atTheMachine(wish, input = "") {
  const done = spawnSync(binary, [...wish, "--data", join(folder, "data")], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PROFILE: "test", CLOCK__FILE: clock, TELEMETRY__LOG: "warn" },
    input, encoding: "utf8",
  });
  assert.equal(done.status, 0, done.stderr);
}

/** Makes an operator. */
export function makeOperator(email, password) {
  atTheMachine(["operator", "create", "--email", email], `${password}\n`);
}

/** Makes somebody else who works here. */
export function makeStaff(role, email, password) {
  atTheMachine(["staff", "create", "--role", role, "--email", email], `${password}\n`);
}

/** Takes the role from one of them. */
export function revokeStaff(email) {
  atTheMachine(["staff", "revoke", "--email", email]);
}

/** The page at phone and desktop size: nothing scrolls sideways, axe finds nothing; a picture of each. */
export async function look(page, name) {
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

/** A browser window of one person; what it asks elsewhere, and what goes wrong in it, gathers in `strays`. */
export async function open(browser, base) {
  const context = await browser.newContext({ timezoneId: "Europe/Berlin", locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const strays = [];
  page.on("request", (request) => { if (!request.url().startsWith(base)) strays.push(request.url()); });
  page.on("console", (message) => { if (message.type() === "error") strays.push(message.text()); });
  page.on("pageerror", (error) => strays.push(String(error)));
  /** The browser notes a refusal that was expected. */
  const expected = (pattern) => strays.splice(0, strays.length, ...strays.filter((text) => !pattern.test(text)));
  return { page, strays, expected };
}

/** Asks again until `condition` holds; each asking is a whole page load. */
export async function until(condition, what) {
  for (let tries = 0; tries < 200; tries += 1) if (await condition()) return;
  throw new Error(`${what}: not after 200 looks`);
}

/** Starts Candor and a browser, tells the story, says how it went, and stops everything. */
export async function run(story) {
  setClock("2026-03-24T18:00:00Z");
  const candor = spawn(binary, ["run", "--data", join(folder, "data"), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--ready-file", ready], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PROFILE: "test", CLOCK__FILE: clock, TELEMETRY__LOG: "warn" },
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
}
