// Calendars, delegates, contacts and groups.
import { accessible, button, day, must, signedIn, sizes, test, url } from './harness.mjs';

await test('an event of one’s own is made and changed, and who may read it does', async () => {
  const page = await signedIn('anna@example.test', '/calendar');
  await button(page, 'New event').click();
  await page.getByLabel('Title').fill('Own thing');
  await button(page, 'Save').click();
  const event = page.getByRole('button', { name: /^(\d\d:\d\d )?Own thing/ });
  await event.click();
  await page.getByLabel('Place', { exact: true }).fill('Garden');
  await button(page, 'Save').click();
  await page.getByText('Saved: Own thing.').waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('combobox', { name: 'Give rights to' }).fill('ben@example.test');
  await page.getByRole('combobox', { name: 'Give rights to' }).press('Enter');
  await button(page, 'Add').click();
  await page.locator('li', { hasText: 'reads your events' }).waitFor();
  await accessible(page, 'calendar with delegates');
  const ben = await signedIn('ben@example.test', '/calendar');
  await ben.getByLabel('Calendar of').selectOption('anna@example.test');
  await ben.getByRole('button', { name: /^Own thing/ }).click();
  await ben.getByText('Garden').waitFor();
  await button(page, 'Delete the rights of ben@example.test').click();
  await page.getByText('Nobody else has rights').waitFor();
  await button(page, 'Month').click();
  await event.click();
  await button(page, 'Remove Own thing').click();
  await page.getByText('Remove Own thing from the calendar?').waitFor();
  await accessible(page, 'the question before an event is removed');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await event.waitFor({ state: 'detached' });
  await accessible(page, 'month');
});

for (const [device, size, name] of [
  ['desktop', sizes.desktop, 'Quentin'],
  ['phone', sizes.phone, 'Petra'],
]) {
  await test(`${device}: a contact, a group of it, and both found by name when booking`, async () => {
    const page = await signedIn('anna@example.test', '/contacts', size);
    const low = name.toLowerCase();
    await button(page, 'New contact').click();
    await page.getByLabel('Name').fill(name + ' Quill');
    await page.getByLabel('E-mail').fill(low + '@elsewhere.test');
    await button(page, 'Save').click();
    await page.getByText(name + ' Quill', { exact: true }).waitFor();
    await button(page, 'Groups').click();
    await button(page, 'New group').click();
    await page.getByLabel('Name').fill(name + 's circle');
    for (const who of [low, 'Ben Car']) {
      await page.getByRole('combobox', { name: 'Members' }).fill(who);
      await page.locator('ul[role=listbox]:not([hidden]) [role=option]').first().waitFor();
      await page.getByRole('combobox', { name: 'Members' }).press('Enter');
    }
    await accessible(page, 'a group');
    await button(page, 'Save').click();
    await page.getByText(name + 's circle', { exact: true }).waitFor();
    await page.goto(`${url}/find?date=${day}&start=0${device === 'phone' ? 3 : 2}:00`);
    await button(page, /^Book \w/)
      .first()
      .click();
    await page.getByLabel('Title').fill('With ' + name);
    await page.getByRole('combobox', { name: 'People' }).fill(low + 's');
    await page.getByRole('option', { name: new RegExp(name + 's circle') }).waitFor();
    await page.getByRole('combobox', { name: 'People' }).press('Enter');
    await button(page, 'Book').last().click();
    await page.getByText(`Booked: With ${name}.`).waitFor();
    await page.goto(url + '/bookings?from=' + day);
    await button(page, new RegExp('^Details With ' + name))
      .first()
      .click();
    await page
      .getByText(new RegExp(low + '@elsewhere.test|' + name + ' Quill'))
      .first()
      .waitFor();
  });
}

await test('a folder of contacts is made, used and removed', async () => {
  const page = await signedIn('ben@example.test', '/contacts');
  await button(page, 'New folder').click();
  await page.getByLabel('Name of the folder').fill('Suppliers');
  await button(page, 'Add').click();
  await button(page, 'New contact').click();
  await page.getByLabel('Name').fill('Sam Supplier');
  await button(page, 'Save').click();
  await page.getByText('Sam Supplier', { exact: true }).waitFor();
  await page.getByLabel('Folder', { exact: true }).selectOption('');
  await page.getByText('Sam Supplier', { exact: true }).waitFor();
  await button(page, 'Edit Sam Supplier').click();
  await button(page, 'Delete').click();
  await page.getByText('Removed: Sam Supplier.').waitFor();
  must((await page.getByText('Sam Supplier', { exact: true }).count()) === 0, 'it is gone');
  await button(page, 'Undo').click();
  await page.getByText('It is there again.').waitFor();
  await button(page, 'Edit Sam Supplier').click();
  await button(page, 'Delete').click();
  await page.getByText('Removed: Sam Supplier.').waitFor();
});

await test('a resource has a page: favourite, rules, week, feed with a QR code', async () => {
  const page = await signedIn('ben@example.test', '/resource?email=berlin@confroom.resources.example.test');
  await page.getByRole('heading', { name: 'Berlin' }).waitFor();
  await button(page, 'Berlin is a favourite').click();
  await button(page, 'Make a link').click();
  await page.getByAltText('QR code of the link').waitFor();
  const link = await page.getByRole('textbox', { name: 'Calendar feed' }).inputValue();
  must((await (await fetch(link)).text()).startsWith('BEGIN:VCALENDAR'), 'the feed');
  await accessible(page, 'resource page');
  await button(page, 'End this link').click();
  await page.getByAltText('QR code of the link').waitFor({ state: 'detached' });
  must((await fetch(link)).status === 404, 'the feed has ended');
  await page.goto(url + '/');
  await page.getByRole('heading', { name: 'Favourites' }).waitFor();
  await page.getByRole('link', { name: 'Berlin' }).waitFor();
});
