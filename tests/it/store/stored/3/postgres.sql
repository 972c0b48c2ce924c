CREATE TABLE public._jean_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.clients (
    id text NOT NULL,
    metadata text NOT NULL,
    secret_hash text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    origin text DEFAULT 'registered'::text NOT NULL,
    registration_hash text DEFAULT ''::text NOT NULL,
    grant_ended_at bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.consents (
    person text NOT NULL,
    client text NOT NULL,
    redirect_uri text NOT NULL,
    resource text NOT NULL,
    scopes text NOT NULL,
    client_version text NOT NULL,
    created_at bigint NOT NULL,
    used_at bigint NOT NULL
);
CREATE TABLE public.grants (
    id bigint NOT NULL,
    kind text NOT NULL,
    person text NOT NULL,
    sign_in bigint NOT NULL,
    client text NOT NULL,
    resources text NOT NULL,
    scopes text NOT NULL,
    nonce text NOT NULL,
    auth_time bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    code_hash text NOT NULL,
    code_challenge text NOT NULL,
    redirect_uri text NOT NULL,
    code_expires_at bigint NOT NULL,
    redeemed_at bigint NOT NULL,
    tag_hash text NOT NULL,
    rt_hash text NOT NULL,
    rt_prev text NOT NULL,
    rt_salt text NOT NULL,
    rt_gen bigint NOT NULL,
    rt_at bigint NOT NULL,
    rt_expires_at bigint NOT NULL,
    bound_key text NOT NULL,
    access_until bigint NOT NULL,
    revoked_at bigint NOT NULL,
    revoked_why text NOT NULL
);
CREATE TABLE public.jti_seen (
    issuer text NOT NULL,
    jti text NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE public.logins (
    id bigint NOT NULL,
    stage text NOT NULL,
    request text NOT NULL,
    client text NOT NULL,
    upstream text NOT NULL,
    attempt bigint NOT NULL,
    state_hash text NOT NULL,
    cookie_hash text NOT NULL,
    notice text NOT NULL,
    claimed_at bigint NOT NULL,
    sign_in bigint NOT NULL,
    grant_id bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.meta (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.people (
    id text NOT NULL,
    issuer text NOT NULL,
    sub text NOT NULL,
    email text NOT NULL,
    email_verified bigint NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    seen_at bigint NOT NULL
);
CREATE TABLE public.replicas (
    id text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.sessions (
    id_hash text NOT NULL,
    data text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.sign_ins (
    id bigint NOT NULL,
    person text NOT NULL,
    upstream text NOT NULL,
    upstream_sid text NOT NULL,
    auth_time bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at bigint NOT NULL
);
CREATE TABLE public.signing_keys (
    alg text NOT NULL,
    slot bigint NOT NULL,
    kid text NOT NULL,
    public_jwk text NOT NULL,
    sealed text NOT NULL,
    created_at bigint NOT NULL,
    sign_from bigint NOT NULL,
    revoked_at bigint NOT NULL,
    purpose text DEFAULT 'access'::text NOT NULL
);
INSERT INTO public._jean_migrations VALUES (1, 'first', '2026-11-24 21:48:59.854398+00', true, '\xd38b7dd843fcef2bb83459fee9fe76283ea581245917318bbc1cdb6c5ce7ef67acf2e464cb445bd92c09603e0cf1224d', 16131721);
INSERT INTO public._jean_migrations VALUES (2, 'clients', '2026-11-24 21:48:59.871089+00', true, '\x92df3f4b643d7035f264020280f0748d905c54161e17e4ce28a12d344e93cb95164222285d32098bc89f17512ff1341c', 1982118);
INSERT INTO public._jean_migrations VALUES (3, 'key purpose', '2026-11-24 21:48:59.87325+00', true, '\xb2b175a8aaedd9bb6d74defa28b1e61f4956776fc9775785b625833a64d9df59bb1cdae34d2d0631c44e98886d550807', 513914);
INSERT INTO public.clients VALUES ('jci_DHKh0UMfqrfVw_K9k5ukZQ', '{"redirect_uris":["https://client.example/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"web","client_name":"Scripted client"}', '', 1800000000, 1800000000, 'registered', 'CTmkpMeNw0tCF09e8yaSiYpw4xShLgwscoY4mcFlCPQ', 1800000000);
INSERT INTO public.consents VALUES ('u_sq44nnnscyibon5xi5n5bhifu7', 'jci_DHKh0UMfqrfVw_K9k5ukZQ', 'https://client.example/callback', 'http://localhost:8080/mcp', 'read', 'gA6NPKLUgndSfMJi0br3R3pPXwvBL7BkpnGIcX37k5U', 1800000000, 1800000000);
INSERT INTO public.grants VALUES (276211065055773871, 'code', 'u_sq44nnnscyibon5xi5n5bhifu7', 276211068552557784, 'jci_DHKh0UMfqrfVw_K9k5ukZQ', 'http://localhost:8080/mcp', 'email offline_access openid read', '', 1800000000, 1800000000, 1831536000, 'CAsGlAyPgmJvTjntkY2MmbYm2hGB67OoaRDLKb_OFdo', '45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw', 'https://client.example/callback', 1800000060, 1800000000, 'pR1N-WXgV9EJ2fSRGGm1B7ruqBh_bEfL6BpTO805Jjc', '2Z6vwUWPF-otAikyadHM8BLvddo5SSKPF_95B5DHhVM', '', '', 1, 1800000000, 1802592000, '', 1800003840, 0, '');
INSERT INTO public.grants VALUES (276211068857130107, 'code', 'u_sq44nnnscyibon5xi5n5bhifu7', 276211068552557784, 'jci_DHKh0UMfqrfVw_K9k5ukZQ', 'http://localhost:8080/mcp', 'read', '', 1800000000, 1800000000, 1831536000, 'UIME3nMvypBdofKF0WH88CooNDMaSTTxoRv8KOq2Xno', '45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw', 'https://client.example/callback', 1800000060, 0, '', '', '', '', 0, 0, 0, '', 0, 0, '');
INSERT INTO public.logins VALUES (276211068338256923, 'answered', 'client_id=jci_DHKh0UMfqrfVw_K9k5ukZQ&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&scope=read+openid+email+offline_access&state=stored-state', 'jci_DHKh0UMfqrfVw_K9k5ukZQ', 'idp', 0, '', 'r1Kxb4WGThxTxj9cu0m2oLrRJ7HIRHW6eIibm3wcTuk', '', 1800000000, 276211068552557784, 276211065055773871, 1800000000, 1800001800);
INSERT INTO public.logins VALUES (276211068772224052, 'allowed', 'client_id=jci_DHKh0UMfqrfVw_K9k5ukZQ&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&max_age=3600&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state', 'jci_DHKh0UMfqrfVw_K9k5ukZQ', 'live', 0, '9GQ83VEoEtYH7iEvxYDNWVOSUN0mk7FmXFh3nSsNRr0', 'gl0PyazAZdZiOnbdpTxI5ilwv-ZUYW9_25SZuT8NKvg', '', 0, 0, 0, 1800000000, 1800001800);
INSERT INTO public.logins VALUES (276211064979144315, 'identified', 'client_id=jci_DHKh0UMfqrfVw_K9k5ukZQ&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state', 'jci_DHKh0UMfqrfVw_K9k5ukZQ', 'idp', 0, '', 'pUj3q2ViTLmZzFsQpAxh3ptoa6S3A28uZNX2qQ26GFg', '', 1800000000, 276211067249227526, 0, 1800000000, 1800001800);
INSERT INTO public.meta VALUES ('canary', 'Qca7MIkw.mNMaJ4ykCvx9iLe4.A7GaEv8SK0iA0cNuFxymHezVrn2buA');
INSERT INTO public.meta VALUES ('signed_lifetimes', '3600 0 0');
INSERT INTO public.meta VALUES ('last_time', '1800000000');
INSERT INTO public.people VALUES ('u_sq44nnnscyibon5xi5n5bhifu7', 'http://127.0.0.1:48081', 'ada-lovelace', 'ada-lovelace@example.com', 1, 'Ada Lovelace', 1800000000, 1800000000);
INSERT INTO public.people VALUES ('u_edeokk424ui73cdvnjtto33ja6', 'http://127.0.0.1:48081', 'grace-hopper', 'grace-hopper@example.com', 1, 'Grace Hopper', 1800000000, 1800000000);
INSERT INTO public.replicas VALUES ('ewgMk-__dvqM', 1800000000);
INSERT INTO public.sessions VALUES ('mMgCYCPpKCQD9VHdXzrV5RSCNHXLt5uillF-XyfHYx8', '{"sign_in":"23jonh5tqme0"}', 1800028800);
INSERT INTO public.sessions VALUES ('Jhm1-HtjdlFCoQ-10h93Cwr4sdAOE4guq4X_tHNgvY0', '{"sign_in":"23jongk9rqbq"}', 1800028800);
INSERT INTO public.sign_ins VALUES (276211068552557784, 'u_sq44nnnscyibon5xi5n5bhifu7', 'idp', '', 1800000000, 1800000000, 1800028800, 0);
INSERT INTO public.sign_ins VALUES (276211067249227526, 'u_edeokk424ui73cdvnjtto33ja6', 'idp', '', 1800000000, 1800000000, 1800028800, 0);
INSERT INTO public.signing_keys VALUES ('ES256', 0, 'G6VKmfHGplcH5dZMqkHsTZP1awkkWoyGp6_FcGE0hDg', '{"alg":"ES256","crv":"P-256","kid":"G6VKmfHGplcH5dZMqkHsTZP1awkkWoyGp6_FcGE0hDg","kty":"EC","use":"sig","x":"n8mhnTZT0N02J-wRTF37TAVwEvW3QvPdTzAIaoKu2io","y":"zltrI97AXfgW45NLZZAwp7xlCb168-fJjnz3qtXm6fs"}', 'Qca7MIkw.IsiXDv6gTyaxr6YA.P1DhYZjJxdKZ3PMzEzbZ46HQDXk-GPcjWWIYighBph4veVnI2SR3UMjmJK-9r84kGcXr0l3zuxgHEeymMfhmV9k1cHwQkvk9IKblizRLMxbVHJVXHQvqfc6gKpzoy34YE65vyVnAPf0ERpYJ9696yX55ES7iIZvFnVN4pWnIbBebknn0LEVws-jfBhl61JcfMngZDOcEV3tKRg', 1800000000, 1800000000, 0, 'access');
INSERT INTO public.signing_keys VALUES ('RS256', 0, 'Q0ifuX1UUAoS6RijTB7eMGlCHVyZ6op6IuQjx8c-44s', '{"alg":"RS256","e":"AQAB","kid":"Q0ifuX1UUAoS6RijTB7eMGlCHVyZ6op6IuQjx8c-44s","kty":"RSA","n":"0X_euop6-NcoDhmNhVSw5x6YLGSkT133vH2XCmru8erV_Yn7AeUWliFfm5kQ4Nanql8Z6X6miq54fnG-7cWM82Ay8xh_eT8ahEWUlD80blkmZZFxUACy_Ymv1N1QZopA0BaBgB0c0kXt_jqwd7Rq2-I91XB0sI2uP9LXMPq_4eOni3tuSemDLD8dZsmZSl1LHWByyOf0BdF_z2QRyh5HEq4hTpXaOh8uDV2XKmtKMoXWnMqcEOWGB-Si2MgWLVIhDcvo9h_tb7fo_5WcrLulNqwLeNAg3QQynIf70U_qEBKaCQFAAX2Sy-PKgl47K8e_SUwczcrmTyUMiYW_1rFK2w","use":"sig"}', 'Qca7MIkw.HvX2DKl91mlwEfg1.zOLasMqUEmY0_LqinhKTnOvMAZnW5sb5sHo4S5c6nuckE6iLIMJkLb_ZXcWa5tpGtOY5yRqHc4rpPvE1uSq-iPIpxZJVdPe3WxXvkH1dFmg2IVz0DMtY4KeCd3QSpL0lrpw3u7km7Rufnz9fjBPBpG_QhKl1ir0JOW-g5HjPf6JTDd-MnpjoJU0Hrex_26AQGOcBw2Zr604w6p5u7aU0K6ksAsTwKqIZVhCRmbU0piKmPgN6QmUr_adpIjPoKBtHxT9aXsnK_cLzsrOgl3f617Xp0m_Az5zvg8xzmvEuTASiOurc7ZZjzOtRY0Td21mATuc4xv0ehNvpbpvjo4N5ZYKQi9lWXqnZcHLNOUMA5QQAa3xWTKtcj2KjFUoS6fOVau-Jw4zkrHiZjXlrfuvgxr0QfeIXSQl-Rg7osH2C3xknIaVhkppk-ctGNrZ_LeNsgjzBpBzbgEGXh541cF2Vv2UaU1FWv9QwtQJ7wLqTFYbG7Te92G60biQB5bDn6IZ6B4gOQkF6lpQcCIf7xJkf1v-HqYBgMRaQeipRFhpKcFc-q0d2iys2f6VjIH_nzuj9mqU9rJnsthHDtAK7xUGAKUjMwsXhVx7TyUxBYvjX-2FzGLLK_-PFy83N2PhZhTDH6u7LvNyYTS_2Y9TC97y6GFeuHLNz8m6i3bDcwqQpRnmc1tRuKyXfc0UBxv8d7-A7WbAtvTHr_oE5N9w-OnSeqvUTpB9X75okl8sVed1r51K_-L0KwrgQJanyjRdy4CUXbBSPGHfZNb0-nYoN58vAFrhyBmk-h99wMsN-EexJrZcJPBXeBF7IreDoSDAEufRZTyxN4MolJTfbiTzpqlMCjKzKY6EGRDrDluL0Dg9ErFYUgzah9ur2e4qMSX1I3tcehsZ0aauMvtLEg-Q1GjHagMADUQBgD-R8gj87psG0df5-n2mlPZAix-9dVeegXDlskEapNdK4X3VKAZBWUhRLZlGuHLnrwL5ua95M6BE4XkoWltc6LywtCOWdXAXEP0ooRsdTjnZmiJg8kz0ekEG6TwXFHNd7cE2yXSpW1Dp04jsuB9487Fheddhas3ZQpdXIP2OajAvnmjOraeJpSYREJaxUKMRcXPXp0S9o-qGzWcrWFgSsAV3MbtQ_zD8T5Z9olnGtngpb3SZ24DG4rmtWiqA7fM_hHOKZDaSpS1wlkF9utLq1rTVWBY9NDo8uXVby7Zi5WzrxFnq8vRPnh__6kLYc4-6DTj5GPJJ1i_aU8lR_zDYu3wLXh0YACFjciZsEbkoxACm5sdPiUDXJfOhKbsH8_-ZpCjySsi-MxuLWqpk5OTfoOZsXbOKfk_Hy4RQAgZHLJhrlRKr5wYeqIAaOFfn37O2MWWPQpgdZAlzZYf71-dmmbYxr1VuQLjpax0eOzTw45NP7A2StwMj9upS9hib57KS549v4gnfAohgoovAIJX4Lc19sk6lmpr00i9qYcLWv6YU4YLgVmWP30gM1D-9mP4osFR8Rq0Ex3ket-fahCSRzcwOS5NUMkLNq1y492lm7QOwc2qTyLXyW-aOqcyaVsvT-zbEhe_0mBA1Z5pPIVkSJLMZVvMrJZ_syVsWhw4ipmeAdzz-dh7tviK1uhucIqtm8sDciv5XXRQ40DIex', 1800000000, 1800000000, 0, 'id');
ALTER TABLE ONLY public._jean_migrations
    ADD CONSTRAINT _jean_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.clients
    ADD CONSTRAINT clients_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (person, client, redirect_uri, resource);
ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.jti_seen
    ADD CONSTRAINT jti_seen_pkey PRIMARY KEY (issuer, jti);
ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_issuer_sub_key UNIQUE (issuer, sub);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.replicas
    ADD CONSTRAINT replicas_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id_hash);
ALTER TABLE ONLY public.sign_ins
    ADD CONSTRAINT sign_ins_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_kid_key UNIQUE (kid);
ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (alg, slot);
CREATE INDEX clients_updated ON public.clients USING btree (updated_at);
CREATE INDEX consents_client ON public.consents USING btree (client);
CREATE INDEX grants_client ON public.grants USING btree (client);
CREATE INDEX grants_person ON public.grants USING btree (person);
CREATE INDEX grants_revoked ON public.grants USING btree (revoked_at) WHERE (revoked_at > 0);
CREATE INDEX grants_sign_in ON public.grants USING btree (sign_in);
CREATE INDEX jti_seen_until ON public.jti_seen USING btree (until);
CREATE INDEX logins_expiry ON public.logins USING btree (expires_at);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sign_ins_person ON public.sign_ins USING btree (person);
CREATE INDEX sign_ins_upstream ON public.sign_ins USING btree (upstream, upstream_sid);
