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
    grant_ended_at bigint DEFAULT 0 NOT NULL,
    gone_at bigint DEFAULT 0 NOT NULL
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
    revoked_why text NOT NULL,
    upstream text DEFAULT ''::text NOT NULL,
    upstream_sid text DEFAULT ''::text NOT NULL
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
    expires_at bigint NOT NULL,
    purpose text DEFAULT ''::text NOT NULL,
    max_age bigint DEFAULT '-1'::integer NOT NULL,
    prompt text DEFAULT ''::text NOT NULL
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
    seen_at bigint NOT NULL,
    claims text DEFAULT ''::text NOT NULL
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
INSERT INTO public._jean_migrations VALUES (1, 'first', '2026-11-25 02:53:53.981906+00', true, '\xd38b7dd843fcef2bb83459fee9fe76283ea581245917318bbc1cdb6c5ce7ef67acf2e464cb445bd92c09603e0cf1224d', 23732428);
INSERT INTO public._jean_migrations VALUES (2, 'clients', '2026-11-25 02:53:54.006548+00', true, '\x92df3f4b643d7035f264020280f0748d905c54161e17e4ce28a12d344e93cb95164222285d32098bc89f17512ff1341c', 3950841);
INSERT INTO public._jean_migrations VALUES (3, 'key purpose', '2026-11-25 02:53:54.010794+00', true, '\xb2b175a8aaedd9bb6d74defa28b1e61f4956776fc9775785b625833a64d9df59bb1cdae34d2d0631c44e98886d550807', 792698);
INSERT INTO public._jean_migrations VALUES (4, 'journeys and people', '2026-11-25 02:53:54.011804+00', true, '\x0f5a5e24ea1e62851ad4f25a8bc58b838a6133bb784f4f9effdbdc169f304b2f62b22aa7118fded50c90fb61b1fec252', 4505582);
INSERT INTO public.clients VALUES ('jci_EZoiloFrt6n3ATC-AsP_WA', '{"redirect_uris":["https://client.example/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"web","client_name":"Scripted client"}', '', 1800000000, 1800000000, 'registered', '1208smK2fFE396RWCu1QGJLOuPKvlNeYkmOSCww8X2s', 1800000000, 0);
INSERT INTO public.consents VALUES ('u_sq44nnnscyibon5xi5n5bhifu7', 'jci_EZoiloFrt6n3ATC-AsP_WA', 'https://client.example/callback', 'http://localhost:8080/mcp', 'read', 'gA6NPKLUgndSfMJi0br3R3pPXwvBL7BkpnGIcX37k5U', 1800000000, 1800000000);
INSERT INTO public.grants VALUES (276211068921354286, 'code', 'u_sq44nnnscyibon5xi5n5bhifu7', 276211065840475902, 'jci_EZoiloFrt6n3ATC-AsP_WA', 'http://localhost:8080/mcp', 'read', '', 1800000000, 1800000000, 1831536000, 'fI9w5ioPZ-h4oo7nLOhL0X4xi0zLX8iEN9dU1KScLHo', '45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw', 'https://client.example/callback', 1800000060, 1800000000, 'SsOVmwsBplS2ZIyvrru9MEkltzYgFEd0rxQqdKlFtNs', 'Xd58xiN6QDMFJOFEgfSFjiCfxyaw1zCyGOP18DsLXh8', '', '', 1, 1800000000, 1802592000, '', 1800003780, 0, '', 'idp', '');
INSERT INTO public.grants VALUES (276211066432865805, 'code', 'u_sq44nnnscyibon5xi5n5bhifu7', 276211065840475902, 'jci_EZoiloFrt6n3ATC-AsP_WA', 'http://localhost:8080/mcp', 'read', '', 1800000000, 1800000000, 1831536000, 'wPC3xYENIgViJQC9oHuNB9cbjizxjioCnYC-73hM9B0', '45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw', 'https://client.example/callback', 1800000060, 0, '', '', '', '', 0, 0, 0, '', 0, 0, '', 'idp', '');
INSERT INTO public.logins VALUES (276211068122549933, 'answered', 'client_id=jci_EZoiloFrt6n3ATC-AsP_WA&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state', 'jci_EZoiloFrt6n3ATC-AsP_WA', 'idp', 0, '', '8RAvHhmU0WlPU6v7A48ufPkX2Kw7oIxnqFnnDbMTQwQ', '', 1800000000, 276211065840475902, 276211068921354286, 1800000000, 1800001800, 'authorize', -1, '');
INSERT INTO public.logins VALUES (276211069026552588, 'allowed', 'client_id=jci_EZoiloFrt6n3ATC-AsP_WA&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state', 'jci_EZoiloFrt6n3ATC-AsP_WA', 'live', 0, 'Gxhg0KH-huWOVvtfqkqsMMK8Qfzy2zZvwp4BlXzBqH8', 'eAQGhHTBvabJaO67F2Wn6EW864S_Xv01r4eGFXJdeTo', '', 0, 0, 0, 1800000000, 1800001800, 'authorize', -1, '');
INSERT INTO public.logins VALUES (276211066697550155, 'identified', 'client_id=jci_EZoiloFrt6n3ATC-AsP_WA&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state', 'jci_EZoiloFrt6n3ATC-AsP_WA', 'idp', 0, '', 'HULLBrGepiIIgYMWC7xx1wFCuCKUhcYUPNU09oID81Y', '', 1800000000, 276211067216867822, 0, 1800000000, 1800001800, 'authorize', -1, '');
INSERT INTO public.meta VALUES ('canary', 'Qca7MIkw.FVc-Es3Vsi7Gmhoe.m4SEVtJ-6D0jt0bpc-QS6wKzQIsZrw');
INSERT INTO public.meta VALUES ('signed_lifetimes', '3600 0 0');
INSERT INTO public.meta VALUES ('last_time', '1800000000');
INSERT INTO public.people VALUES ('u_sq44nnnscyibon5xi5n5bhifu7', 'http://127.0.0.1:48081', 'ada-lovelace', 'ada-lovelace@example.com', 1, 'Ada Lovelace', 1800000000, 1800000000, '{}');
INSERT INTO public.people VALUES ('u_edeokk424ui73cdvnjtto33ja6', 'http://127.0.0.1:48081', 'grace-hopper', 'grace-hopper@example.com', 1, 'Grace Hopper', 1800000000, 1800000000, '{}');
INSERT INTO public.replicas VALUES ('tM3XBkJ3lr-J', 1800000000);
INSERT INTO public.sessions VALUES ('bdT7KGWLiJRwhhuZhd0REh3ehg91-bXrd6H6IML3urg', '{"sign_in":"23jonfwz1am6"}', 1800028800);
INSERT INTO public.sessions VALUES ('fqPsNkW5jeK0nZq91ipWFtPQhlS2wU80XeULP60vhdk', '{"sign_in":"23jongjqi5f2"}', 1800028800);
INSERT INTO public.sign_ins VALUES (276211065840475902, 'u_sq44nnnscyibon5xi5n5bhifu7', 'idp', '', 1800000000, 1800000000, 1800028800, 0);
INSERT INTO public.sign_ins VALUES (276211067216867822, 'u_edeokk424ui73cdvnjtto33ja6', 'idp', '', 1800000000, 1800000000, 1800028800, 0);
INSERT INTO public.signing_keys VALUES ('ES256', 0, '_YEMgTV3VDZzujVB9B_2Qnu2kQ47ofZkcv9Mb6v_o4k', '{"alg":"ES256","crv":"P-256","kid":"_YEMgTV3VDZzujVB9B_2Qnu2kQ47ofZkcv9Mb6v_o4k","kty":"EC","use":"sig","x":"vxRh_bPmj7C_PFSw35IjsmfyUy2qG3ijhbRcx7IuG6Y","y":"u35u0kLCiw9Gmg1JkVGOCsLywnePOlbAh6UxHf0oIoc"}', 'Qca7MIkw.hadtDCkVrGEuLLNh.F6dwY39Jsbt4plkKnp0gE9nwEhDZpTwJAFnF4bPZwqvDYi_3HEhddVt0ZtxbqYiTziFmEdpYC0Rb8ka4Lz7cIYpBlmQDRD7Xi75K9PGfIIfdumiFIxjJS_9apWqumb7YSuOhD1L1_gU0GklHJfVvQlnHu9_oLhOpQYW9hBU0bd45Ntj0J8BwCmQSn1fqqdPZGDyFHUiXZc1-iQ', 1800000000, 1800000000, 0, 'access');
INSERT INTO public.signing_keys VALUES ('RS256', 0, 'cWNbcfICnp_0ZDGBYRG76fvEf2yZFrh38PnHtrfzIYU', '{"alg":"RS256","e":"AQAB","kid":"cWNbcfICnp_0ZDGBYRG76fvEf2yZFrh38PnHtrfzIYU","kty":"RSA","n":"nhufESyTIpMmwok_3Yyf-9f1rOiJLmyNfPLBUwN_wQp5vmusiOiYnZNVhi60M21x1r4zM76plYwFUHB7KqhGjBdiPdD0t25cUcgEAfwsiqiXnxpK44kkg4NjPLXdIDuL7B_ADGrGHliDpv7RO27s5aet7m4Xvv3aKiiA3JHkyDtnK1CXYR2K-vX3vxNcoO_yoeHhSZN6nrJ43HpfarqbRlLC-OEKN3VKo5ctrvEsBr6Cuql4IIlzrMAz5Jp3ai0SODFiQlsZPUH8Ai5VakY1aEq2NF-pNVdq3IaF_e0-oOgv2E_KMhuT1YHQciaQomCnYZ6KoWrSYnkRtcKB4M8pPw","use":"sig"}', 'Qca7MIkw.axcoXAp5n4maVTH1.luDf8jFqruVJJinLg0CVVSzBgjAcG2LD4AG1o4-eWczcyHiQa9K_uu-H5HPnZn27c_PvVmZ3Y61oQQiaMg0R147QPiPxySMZghQJy2SH1iXlCUKfxSmOKPCNk3ZbMRpC7F1RsR5Qed9My4CanUPYZjIApmF6wp6nrcXiBQdUozD1RaP5eeaPz26aZzFebLFdWNm_aELtPCG5PwgPAN1mKBT6sCH2Y5CVnDKqbw1-nsa5fC2CqciGghPW087alhpi4b7VOPtlQIBll9dllPTrwoQqrBEGtHhSdOYb8GB910GhcQkpvx7lbQofIa49E2IKiSg2pLV68qnoH4zizAmwLo_YTByMl6ZjbAWGltBy9E_mJdsUy8tZyhWc0mDzMd2HwYUW7iWjf0hKUoCEfzj9ewgkOWlvffE1ANxf8qzAEMybRb_JDFOjubcN6Ca2YkJmAUZNBd6ne0wH3gh2imrSBxi6mNkHQ8gUtkAqoFR3XeBaFExo-MJX0Fls64qiO3hrdwHTgKXZanUr34Jdg0q7857EzrYuRvNi5saaV7rYW90lkRudVo2Kz0PqpSz3dkJHz70yEYWal-n5aamX5oe3vdnVz-U9Z7Hxap895zs1ksZD1sINnIdWCwgyJltubYAIMPeieGs-Wo40i5PXBYhRoJ1Vi26BXrQAfuTQuVHJVxvX1GG7g-xIbFa29LE6-1o3VxCZ4QXOmpp8NDSjMKkdGWfGXOPOtSP5zWGDSukY5DSiD5j0NRWSvUeqHUY04OyM5Jli3WEj3xkgBKLhwY-IAnqII7z5Xq44wpKXufPim53wWM2p6awAXzvjqwM6tWa3Ea4_ze_wsci7heE5AQb-zGbgUSw75TBxdiGaFdLdRxduXOBsl9vavezUofglIMGHaDC8oNVXirKxp5LSDHhngfw_kyCP--GbYH_wS8zJ8K3nvVRHEPxFt5OOvPa3kpwF-N_WrPho2jQmqn1gKpnJS6xrL6VuD4_gOnSJJfFn_Ey-AlhyB-ZXh74bRzvJJCOJHRcDZdyz6LeFbn_f0PiPzlLKDb-PKtmZ-TMU6c_9l9SGHdzAFcQRVGiEH1v15o_YR0QBo-N-CSQcG7sUV4JFjhaGrX4QKBqjuSEMOTO5slFsx4ivE0_ryf1G2Mcl6UIeDYaNtY31qvvVB1Q1ahXgUzejojAft_j40TJc-VNIroPz6ER0zX7OJi_jO-6jz-p7wBMEPNe2y9nKGNLV1J_DRd_j2YSRPqg-XR16JSaFVPvfBbxXDHAjze7vpcygv7jC1jLoP9mB3F0Qb7ZTcj9hpOLPtYqP0c5dkqp2B2HJfKR2X3VxDSKQOLpY5a6zgCoFdYCMcbm9Eyt7jRsRG_XQw0x96qLimr_rtPVpB_zFDgPVnzrFsEhdoz5a9tfsf6rNqpG5RgUBI6sZlN5D-VxXQgk_k80FcPj5BSAxCpy7dq4QZtcJjQjOx5MLUDb4zZFNqxSb2G4zTaR_YUSdk4tDt7gcZqvdy2qCBDvvRRL5laCyHinjBK7EZyp4DH0mRZrGeg_1QL5UwDWFTkZT3k-y48ZBEXEaOn0CYbhUHfSjl-in_dfURoTI5WjOad-hdPQIygBVNePeflgRzu97lltBX8AiQyo4m3K6eaiWe7aPKZxu', 1800000000, 1800000000, 0, 'id');
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
CREATE INDEX clients_unused ON public.clients USING btree (updated_at) WHERE (grant_ended_at = 0);
CREATE INDEX clients_updated ON public.clients USING btree (updated_at);
CREATE INDEX consents_client ON public.consents USING btree (client);
CREATE INDEX grants_client ON public.grants USING btree (client);
CREATE INDEX grants_person ON public.grants USING btree (person);
CREATE INDEX grants_revoked ON public.grants USING btree (revoked_at) WHERE (revoked_at > 0);
CREATE INDEX grants_sign_in ON public.grants USING btree (sign_in);
CREATE INDEX grants_upstream_sid ON public.grants USING btree (upstream, upstream_sid) WHERE (upstream_sid <> ''::text);
CREATE INDEX jti_seen_until ON public.jti_seen USING btree (until);
CREATE INDEX logins_expiry ON public.logins USING btree (expires_at);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sign_ins_person ON public.sign_ins USING btree (person);
CREATE INDEX sign_ins_upstream ON public.sign_ins USING btree (upstream, upstream_sid);
