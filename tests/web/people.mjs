// What people do in several stories: register, sign in, set an app up, link.
import { acceptTerms, mailedLink, setClock, shownAt } from "./kit.mjs";

let now = Date.parse("2026-03-24T18:00:00Z");
export const password = (name) => `a long sentence only ${name} knows`;
export const address = (name) => `${name.toLowerCase()}@example.org`;

/** Lets time go on; a code of an app counts once, so the next one is of another half minute. */
export function later(seconds) {
  now += seconds * 1000;
  setClock(new Date(now).toISOString());
}

/** What an authenticator app shows now. */
export const shows = (secret) => shownAt(secret, now);

/** What time it is, in seconds. */
export const seconds = () => Math.floor(now / 1000);

/** Signs in; with an app's secret in two steps. */
export async function signIn(person, base) {
  const { page, name, secret } = person;
  if (secret) later(30);
  await page.goto(`${base}/sign-in`);
  await page.getByLabel("E-mail address").fill(address(name));
  await page.getByLabel("Password").fill(password(name));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  if (secret) {
    await page.getByLabel("Code").fill(shows(secret));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
  }
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** Registers, proves the address, and signs in. */
export async function join(person, base, mailDir) {
  const { page, name } = person;
  await page.goto(`${base}/register`);
  await page.getByLabel("E-mail address").fill(address(name));
  await page.getByLabel("Password").fill(password(name));
  await page.getByLabel("I am 18 or older").check();
  await acceptTerms(page);
  await page.getByRole("button", { name: "Register" }).click();
  await page.goto(await mailedLink(mailDir, address(name)));
  await page.getByLabel("Password").fill(password(name));
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await signIn(person, base);
}

/** Accepts the terms at a first visit, as whoever did not register themself. */
export async function acceptAtFirst(person, base) {
  await person.page.goto(`${base}/security/app`);
  await person.page.waitForURL(/\/terms\/accept/);
  await acceptTerms(person.page);
  await person.page.getByRole("button", { name: "Accept" }).click();
  await person.page.waitForURL(/\/security\/app$/);
}

/** Sets an authenticator app up. */
export async function addApp(person, base) {
  const { page } = person;
  await page.goto(`${base}/security/app`);
  person.secret = await page.locator("code.secret").innerText();
  await page.getByLabel("The six digits it shows now").fill(shows(person.secret));
  await page.getByRole("button", { name: "Use this app" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
}

/** Presses a button of the page, and waits for where it leads. */
export async function press(page, name, place) {
  await page.getByRole("button", { name }).first().click();
  await page.waitForURL(new RegExp(`${place}$`));
}

/** She invites him by a code, he accepts. */
export async function theyLink(anna, ben, base) {
  await anna.page.goto(`${base}/couple`);
  await anna.page.getByLabel("Your name, as they know you").fill("Anna");
  await anna.page.getByRole("button", { name: "Make an invitation" }).click();
  const link = await anna.page.getByLabel("Link", { exact: true }).inputValue();
  await ben.page.goto(link);
  await ben.page.getByRole("heading", { name: "Anna invites you" }).waitFor();
  await ben.page.getByLabel("Your name, as they know you").fill("Ben");
  await ben.page.getByLabel("I am 18 or older").check();
  await ben.page.getByRole("button", { name: "Accept" }).click();
  await ben.page.getByRole("heading", { name: "You and Anna" }).waitFor();
}
