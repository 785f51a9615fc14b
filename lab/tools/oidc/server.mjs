// A certified OpenID Connect provider over HTTPS, with its own login page: any password of a known person is right.
//
// Arguments: port; PEM files of certificate and key; a JSON file with the people, which is read at each login: an
// object of claims by login name; a JSON file with a list of clients as oidc-provider registers them.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import Provider from "oidc-provider";

const [port, certificate, key, people, clients] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

const provider = new Provider(`https://localhost:${port}`, {
  clients: read(clients),
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["preferred_username", "given_name", "family_name", "name", "groups", "roles", "hd", "nested"],
  },
  // Claims are in the ID token, as most providers have them, unless a client asks the userinfo endpoint.
  conformIdTokenClaims: false,
  cookies: { keys: ["a key of the lab"] },
  features: { devInteractions: { enabled: true } },
  findAccount: (context, name) => {
    const claims = read(people)[name];
    return claims && { accountId: name, claims: () => ({ sub: name, ...claims }) };
  },
  // No question whether Airflow may read the claims.
  loadExistingGrant: async (context) => {
    const grant = new context.oidc.provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
});

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback()).listen(
  Number(port),
  "127.0.0.1",
);
