// What a person does in the browser who agrees to everything.

/** Opens `address` and presses on until the page is one that `arrived` knows, as `name` at the dev provider. */
export async function agree(page, address, arrived, name = 'Ada Lovelace') {
  const field = page.locator('input[name=name]');
  const yes = page
    .getByRole('button', { name: /^Continue with / })
    .or(page.getByRole('button', { name: 'Allow', exact: true }))
    .or(page.locator('button[name=answer]:is([value="sign-in"], [value="continue"])'))
    .first();
  const isThere = () =>
    Promise.any([page.waitForURL(arrived).then(() => true), yes.waitFor().then(() => false)]).catch(async () => {
      throw new Error(`nothing to agree to at ${page.url()}:\n${await page.locator('body').innerText()}`);
    });
  await page.goto(address);
  while (!(await isThere())) {
    const here = page.url();
    if (await field.count()) await field.fill(name);
    await yes.click();
    await page.waitForURL(({ href }) => href !== here);
  }
}
