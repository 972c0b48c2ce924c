// A look-alike of Google as an OpenID Connect provider: a thin one, that signs in whom it is told to without a page, tells
// no auth_time, and says of a Workspace account which domain it is of. https://developers.google.com/identity/openid-connect

import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

export const CLIENT = { id: 'jean.apps.googleusercontent.com', secret: 'a secret of this test' };

export async function startGoogle() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const codes = new Map();
  const google = { account: {}, url: undefined, close: () => server.close() };

  const server = createServer(async (request, response) => {
    const json = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const { pathname, searchParams } = new URL(request.url, google.url);
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return json(200, {
          issuer: google.url,
          authorization_endpoint: `${google.url}/o/oauth2/v2/auth`,
          token_endpoint: `${google.url}/token`,
          jwks_uri: `${google.url}/oauth2/v3/certs`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
        });
      case '/oauth2/v3/certs':
        return json(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] });
      case '/o/oauth2/v2/auth': {
        const code = randomUUID();
        codes.set(code, { account: google.account, nonce: searchParams.get('nonce'), challenge: searchParams.get('code_challenge') });
        const back = new URL(searchParams.get('redirect_uri'));
        back.search = new URLSearchParams({ state: searchParams.get('state'), code });
        return response.writeHead(302, { location: back.href }).end();
      }
      case '/token': {
        let body = '';
        for await (const chunk of request) body += chunk;
        const form = new URLSearchParams(body);
        const code = codes.get(form.get('code'));
        codes.delete(form.get('code'));
        const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
        if (code?.challenge !== challenge) return json(400, { error: 'invalid_grant' });
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: google.url, aud: CLIENT.id, azp: CLIENT.id, iat: now, exp: now + 3600, nonce: code.nonce, ...code.account };
        return json(200, { access_token: randomUUID(), token_type: 'Bearer', expires_in: 3599, id_token: sign(claims) });
      }
      default:
        return json(404, {});
    }
  });

  function sign(claims) {
    const part = value => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${part(claims)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  }

  await once(server.listen(0, '127.0.0.1'), 'listening');
  google.url = `http://127.0.0.1:${server.address().port}`;
  return google;
}
