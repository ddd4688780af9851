import type { MailTexts } from './types.ts';

export const en: MailTexts = {
  greeting: 'Hello {name},',
  footer: 'This mail was sent by Parley at {host}. Nobody reads replies to it.',
  linkHint: 'If the button does not work, open this address:',
  unknownDevice: 'an unknown device',
  mails: {
    invitation: {
      subject: '{inviter} invites you to {workspace} on Parley',
      before: [
        '{inviter} invites you to work with the team of {workspace} on Parley.',
        'The link is for {address} and works once, within 7 days.',
      ],
      action: 'Accept the invitation',
      after: ['If you do not know what this is about, do nothing.'],
    },
    password_reset: {
      subject: 'Set a new password for Parley',
      before: [
        'Somebody, hopefully you, asked for a new password for {address}.',
        'The link works once, within 30 minutes. A new password ends all sign-ins of your account.',
      ],
      action: 'Set a new password',
      after: ['If it was not you, do nothing: your password stays as it is.'],
    },
    password_changed: {
      subject: 'Your password for Parley was changed',
      before: [
        'The password of your account {address} was changed on {time}. All earlier sign-ins were ended.',
        'If it was you, there is nothing to do.',
      ],
      action: 'Not you? Set a new password',
    },
    prove_address: {
      subject: 'Confirm your e-mail address for Parley',
      before: [
        'Confirm that {address} is your address. Only then can you set a new password by mail, and be told when somebody signs in.',
        'The link works once, within 24 hours.',
      ],
      action: 'Confirm the address',
      after: ['If you have no account at Parley, do nothing.'],
    },
    address_changed: {
      subject: 'Your e-mail address at Parley was changed',
      before: [
        'Your account now uses another e-mail address; {address} no longer signs in to it. It was changed on {time}.',
        'If it was not you, turn at once to an owner of your workspace or to whoever runs this Parley.',
      ],
    },
    new_device: {
      subject: 'A new sign-in to your account at Parley',
      before: [
        'Somebody signed in to your account {address} from a device it did not know:',
        '{device}, from {place}, on {time}',
        'If it was you, there is nothing to do.',
      ],
      action: 'Not you? Set a new password',
    },
    sign_in_link: {
      subject: 'Sign in to Parley',
      before: [
        'Somebody, hopefully you, wants to sign in to your account from a device it does not know.',
        'Open the link within 15 minutes and enter your password there.',
      ],
      action: 'Go on to sign in',
      after: ['If it was not you, do nothing: the link alone opens nothing.'],
    },
    test: {
      subject: 'A test mail from Parley',
      before: ['This is the test mail you asked for. Mail from this Parley arrives.'],
    },
  },
};
