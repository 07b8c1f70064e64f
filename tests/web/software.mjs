// Software, lived in two browsers and from outside: an operator registers a program of the house; Anna looks at what it would
// read, opens her entries to it, sees each read in her ledger, and takes it back; it reads that and nothing else, and no longer.
//
// usage: node software.mjs CANDOR_BINARY SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { look, makeOperator, open, pass, run } from "./kit.mjs";
import { acceptAtFirst, addApp, address, join, password, press, seconds, signIn } from "./people.mjs";

const KEY = "2026";
const SCOPE = "system/*.rs";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
const WORDS = "We sat by the river and said little.";

/** The operator registers it, with its public key. */
async function olgaRegisters(olga, base) {
  makeOperator(address("Olga"), password("Olga"));
  await signIn(olga, base);
  await acceptAtFirst(olga, base);
  await addApp(olga, base);
  await olga.page.goto(`${base}/clients/new`);
  await olga.page.getByLabel("Name", { exact: true }).fill("Praxis");
  await olga.page.getByLabel("What it reads for").fill("Shows how weeks went, for whoever asks for it.");
  await olga.page.getByLabel("Whom to ask about it").fill("it@clinic.example");
  await olga.page.getByLabel("What its tokens may be used for at most").fill(SCOPE);
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: KEY, use: "sig", alg: "ES384" };
  await olga.page.locator("textarea").first().fill(JSON.stringify({ keys: [jwk] }));
  await look(olga.page, "software-01-registering");
  await olga.page.getByRole("button", { name: "Register", exact: true }).click();
  await olga.page.getByRole("heading", { name: "Praxis" }).waitFor();
  await look(olga.page, "software-02-registered");
  pass();
  return olga.page.getByLabel("Client id").inputValue();
}

/** What the program does: signs who it is, gets a token (RFC 7523), and asks. */
function program(base, clientId) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = async () => {
    const configuration = await (await fetch(`${base}/.well-known/smart-configuration`)).json();
    const endpoint = configuration.token_endpoint;
    const claims = { iss: clientId, sub: clientId, aud: endpoint, exp: seconds() + 200, jti: randomUUID() };
    const signed = `${part({ alg: "ES384", typ: "JWT", kid: KEY })}.${part(claims)}`;
    const signature = sign("sha384", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");
    const form = new URLSearchParams({
      grant_type: "client_credentials", scope: SCOPE, client_assertion: `${signed}.${signature}`,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    });
    const answer = await fetch(endpoint, { method: "POST", body: form });
    assert.equal(answer.status, 200, await answer.clone().text());
    return (await answer.json()).access_token;
  };
  return async (path) => fetch(`${base}${path}`, { headers: { authorization: `Bearer ${await token()}` } });
}

/** What was opened to it. */
async function granted(ask) {
  const answer = await ask("/v1/software-consents/granted-to-me");
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).granted ?? [];
}

/** She writes, looks at what it would read, and opens it. */
async function annaOpens(anna, base) {
  const { page } = anna;
  await page.goto(`${base}/write`);
  await page.getByLabel("Title").fill("An evening");
  await page.getByLabel("Your words").fill(WORDS);
  await page.getByRole("button", { name: "Keep" }).click();
  await page.getByRole("heading", { name: "An evening" }).waitFor();
  await page.goto(`${base}/software`);
  await look(page, "software-03-there-is");
  await page.getByRole("link", { name: "Praxis" }).click();
  await page.getByRole("radio", { name: /entries/ }).check();
  await look(page, "software-04-what");
  await page.getByRole("button", { name: "Look at it first" }).click();
  await page.getByText(WORDS).first().waitFor();
  await look(page, "software-05-preview");
  await press(page, "I agree, open it", "/software");
  await page.getByRole("button", { name: "Take it back" }).waitFor();
  await look(page, "software-06-open");
  pass();
}

/** It reads her entries, and nothing that was not opened. */
async function itReads(ask) {
  const [consent] = await granted(ask);
  const account = consent.memberAccountId;
  assert.ok(account, JSON.stringify(consent));
  const list = await ask(`/v1/accounts/${account}/opened/entries`);
  assert.equal(list.status, 200, await list.clone().text());
  assert.ok((await list.text()).includes(WORDS));
  for (const other of ["moods", "self-checks"]) {
    assert.equal((await ask(`/v1/accounts/${account}/opened/${other}`)).status, 404, other);
  }
  pass();
  return account;
}

await run(async (browser, base, mailDir) => {
  const people = {};
  for (const name of ["Anna", "Olga"]) people[name] = { name, ...(await open(browser, base)) };
  const { Anna: anna, Olga: olga } = people;
  await join(anna, base, mailDir);
  const ask = program(base, await olgaRegisters(olga, base));
  assert.deepEqual(await granted(ask), [], "being registered opens nothing");
  await annaOpens(anna, base);
  const account = await itReads(ask);
  await anna.page.goto(`${base}/ledger`);
  await anna.page.getByText(/Praxis/).first().waitFor();
  await look(anna.page, "software-07-ledger");
  await anna.page.goto(`${base}/software`);
  await press(anna.page, "Take it back", "/software");
  await anna.page.getByText("Nothing of yours is open to software.").waitFor();
  await look(anna.page, "software-08-taken-back");
  assert.equal((await ask(`/v1/accounts/${account}/opened/entries`)).status, 404, "at once");
  assert.deepEqual(await granted(ask), []);
  pass();
  for (const person of Object.values(people)) {
    assert.deepEqual(person.strays, [], `${person.name}: no request leaves the site, no script error`);
  }
});
