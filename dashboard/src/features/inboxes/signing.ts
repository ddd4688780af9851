/** How a website's server signs the id of whoever is signed in there, in the languages most of them are written in. */
export const signing = [
  {
    value: 'node',
    label: 'Node',
    code: `import { createHmac } from 'node:crypto';

const hash = createHmac('sha256', process.env.PARLEY_IDENTITY_SECRET)
  .update(String(user.id))
  .digest('hex');`,
  },
  {
    value: 'php',
    label: 'PHP',
    code: `$hash = hash_hmac('sha256', (string) $user->id, getenv('PARLEY_IDENTITY_SECRET'));`,
  },
  {
    value: 'python',
    label: 'Python',
    code: `import hashlib, hmac, os

hash = hmac.new(
    os.environ["PARLEY_IDENTITY_SECRET"].encode(), str(user.id).encode(), hashlib.sha256
).hexdigest()`,
  },
  {
    value: 'ruby',
    label: 'Ruby',
    code: `require "openssl"

hash = OpenSSL::HMAC.hexdigest("SHA256", ENV.fetch("PARLEY_IDENTITY_SECRET"), user.id.to_s)`,
  },
  {
    value: 'java',
    label: 'Java',
    code: `import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import static java.nio.charset.StandardCharsets.UTF_8;

Mac mac = Mac.getInstance("HmacSHA256");
mac.init(new SecretKeySpec(System.getenv("PARLEY_IDENTITY_SECRET").getBytes(UTF_8), "HmacSHA256"));
String hash = HexFormat.of().formatHex(mac.doFinal(String.valueOf(user.getId()).getBytes(UTF_8)));`,
  },
] as const;

export type Language = (typeof signing)[number]['value'];

/** What the page says with it, before or after the chat is there. */
export const identifyCode = `<script>
  window.Parley = window.Parley || [];
  Parley.push(['identify', { id: USER_ID, name: USER_NAME, email: USER_EMAIL, hash: HASH }]);
</script>`;
