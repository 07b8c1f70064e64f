// Passkeys, lived in a browser with a virtual authenticator: one is added, signs in alone, stands in for the second factor,
// proves again who one is, and is taken away. A browser without scripts is told what to do instead.
//
// usage: node passkeys.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { acceptTerms, look, mailedLink, open, pass, run, setClock } from "./kit.mjs";

const ANNA = "anna@example.org";
const PASSWORD = "a long sentence only Anna knows";

/** A device of the page's own: it keeps passkeys and verifies its person. */
async function device(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  return {
    verified: (isUserVerified) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    passkeys: async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
  };
}

async function story(browser, address, mailDir) {
  // Browsers want a name for a passkey; on one's own machine that is localhost.
  const base = address.replace("127.0.0.1", "localhost");
  const { page, strays, expected } = await open(browser, base);
  const signOut = () => page.getByRole("button", { name: "Sign out" }).click();
  const home = () => page.getByRole("heading", { name: "Your timeline" }).waitFor();
  const here = async (link) => link.replace("127.0.0.1", "localhost");
  await page.goto(`${base}/register`);
  await page.getByLabel("E-mail address").fill(ANNA);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("I am 18 or older").check();
  await acceptTerms(page);
  await page.getByRole("button", { name: "Register" }).click();
  await page.goto(await here(await mailedLink(mailDir, ANNA)));
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Confirm my address" }).click();
  await page.goto(`${base}/sign-in`);
  await page.getByLabel("E-mail address").fill(ANNA);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await home();

  // Added from Security, with recovery codes because it is the first factor.
  const phone = await device(page);
  await page.goto(`${base}/security`);
  await page.getByRole("link", { name: "Add a passkey" }).click();
  await look(page, "passkeys-01-new");
  await page.getByLabel("What you call it").fill("My phone");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Make a passkey" }).waitFor();
  await look(page, "passkeys-02-ask");
  // A person whom the device does not know is not let through, and can try again.
  await phone.verified(false);
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.getByText("Nothing was changed. You can try again.").waitFor();
  await phone.verified(true);
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  const [kept] = await phone.passkeys();
  assert.ok(kept.isResidentCredential && kept.rpId === "localhost", "the device finds it by itself");
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByText("A passkey was added.").waitFor();
  await look(page, "passkeys-03-security");
  await signOut();

  // It signs in alone: no address, no password.
  await page.goto(`${base}/sign-in`);
  await look(page, "passkeys-04-sign-in");
  await page.getByRole("button", { name: "Use a passkey instead" }).click();
  await page.getByRole("button", { name: "Use my passkey" }).click();
  await home();
  await signOut();

  // And it finishes a sign-in that began with the password.
  await page.goto(`${base}/sign-in`);
  await page.getByLabel("E-mail address").fill(ANNA);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  await look(page, "passkeys-05-second-step");
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("button", { name: "Use my passkey" }).click();
  await home();

  // Later it proves again who one is; then it can be named anew and taken away.
  setClock("2026-03-24T18:10:00Z");
  await page.goto(`${base}/security/passkeys`);
  await page.getByRole("heading", { name: "Is it you?" }).waitFor();
  await look(page, "passkeys-06-prove-again");
  await page.getByRole("button", { name: "Use a passkey instead" }).click();
  await page.getByRole("button", { name: "Use my passkey" }).click();
  await page.getByRole("heading", { name: "A passkey" }).waitFor();
  // A second one on the same device is refused by the device.
  await page.getByLabel("What you call it").fill("Again");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.getByText("has a passkey of yours already").waitFor();
  await page.getByRole("link", { name: "Leave it as it is" }).click();
  await page.getByLabel("What you call it").fill("The blue one");
  await page.getByRole("button", { name: "Keep this name" }).click();
  await page.locator("strong", { hasText: "The blue one" }).waitFor();
  await page.getByRole("link", { name: "Take this passkey away" }).click();
  await page.getByLabel("Stay signed in elsewhere").waitFor();
  await look(page, "passkeys-07-away");
  await page.getByRole("button", { name: "Take it away" }).click();
  await page.getByText("A passkey was taken away.").waitFor();
  await signOut();
  await page.goto(`${base}/sign-in`);
  await page.getByRole("button", { name: "Use a passkey instead" }).click();
  await page.getByRole("button", { name: "Use my passkey" }).click();
  await page.getByText("This passkey does not fit here.").waitFor();
  expected(/status of 401/);
  assert.deepEqual(strays, [], "no request leaves the site, no script error");
  pass();

  // Without scripts the page says so, and where the other way is.
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(`${base}/sign-in`);
  await plain.getByRole("button", { name: "Use a passkey instead" }).click();
  await plain.getByText("with scripts switched on").waitFor();
  assert.equal(await plain.getByRole("button", { name: "Use my passkey" }).count(), 0);
  await plain.getByRole("link", { name: "Sign in with your password" }).click();
  await plain.getByLabel("Password").waitFor();
  pass();
}

await run(story);
