/** Who a person is at WhatsApp: a phone number, a user id of the business (since 2026), or both. */

const PHONE = /^\d{5,20}$/;
/** A country, a dot, letters and digits; it is no number, and no number is read out of it. */
const USER_ID = /^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$/;

export const isPhone = (id: string): boolean => PHONE.test(id);

export type Identity = { externalId: string; otherIds: string[]; spellings: string[]; phone?: string };

/** Of whatever ids came, in whichever field; undefined when none is one. */
export function identityOf(...given: (string | undefined)[]): Identity | undefined {
  const ids = given.filter((id) => id !== undefined);
  const phone = ids.find(isPhone);
  const userId = ids.find((id) => USER_ID.test(id));
  const externalId = phone ?? userId;
  if (externalId === undefined) return undefined;
  return {
    externalId,
    otherIds: phone !== undefined && userId !== undefined ? [userId] : [],
    spellings: phone === undefined ? [] : spellingsOf(phone),
    ...(phone === undefined ? {} : { phone: `+${phone}` }),
  };
}

/**
 * The user id stays when the number changes, and names the thread where it is known. Of a number one form is taken, the same
 * whichever came, so that two first messages at once are of one thread.
 */
export const threadKeyOf = ({ externalId, otherIds, spellings }: Identity): string =>
  otherIds[0] ?? [externalId, ...spellings].sort()[0] ?? externalId;

/**
 * The other forms WhatsApp uses of one number: Brazil's mobiles with and without the ninth digit, Mexico's with and without
 * the 1, Argentina's with and without the 9. Landlines have one form.
 */
export function spellingsOf(phone: string): string[] {
  const brazil = /^55(\d{2})(9?)([6-9]\d{7})$/.exec(phone);
  if (brazil) return [brazil[2] ? `55${brazil[1]}${brazil[3]}` : `55${brazil[1]}9${brazil[3]}`];
  const mexico = /^52(1?)(\d{10})$/.exec(phone);
  if (mexico) return [mexico[1] ? `52${mexico[2]}` : `521${mexico[2]}`];
  const argentina = /^54(9?)(\d{10})$/.exec(phone);
  if (argentina) return [argentina[1] ? `54${argentina[2]}` : `549${argentina[2]}`];
  return [];
}
