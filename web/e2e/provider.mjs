// A real OpenID Connect provider for the tests, on loopback: the certified
// implementation oidc-provider, with a sign-in page of one field.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

// startProvider answers the issuer's URL, and how to stop it. accounts maps
// the name that is typed to the claims that are told.
export async function startProvider(client, accounts) {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const op = new Provider(issuer, {
    clients: [client],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['only for tests'] },
    interactions: { url: (_, i) => `/interaction/${i.uid}` },
    async loadExistingGrant(ctx) {
      // nobody is asked for consent
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const handle = op.callback();
  server.on('request', async (req, res) => {
    if (!req.url.startsWith('/interaction/')) return handle(req, res);
    if (req.method === 'GET') {
      res.setHeader('Content-Type', 'text/html');
      return res.end('<form method="post"><label>Name <input name="name"></label><button>Go on</button></form>');
    }
    let body = '';
    for await (const part of req) body += part;
    await op.interactionFinished(req, res, { login: { accountId: new URLSearchParams(body).get('name') } });
  });
  return {
    issuer,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
