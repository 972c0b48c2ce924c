PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _jean_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _jean_migrations VALUES(1,'first','2026-11-24 21:48:49',1,X'd38b7dd843fcef2bb83459fee9fe76283ea581245917318bbc1cdb6c5ce7ef67acf2e464cb445bd92c09603e0cf1224d',2633230);
INSERT INTO _jean_migrations VALUES(2,'clients','2026-11-24 21:48:49',1,X'92df3f4b643d7035f264020280f0748d905c54161e17e4ce28a12d344e93cb95164222285d32098bc89f17512ff1341c',1389066);
INSERT INTO _jean_migrations VALUES(3,'key purpose','2026-11-24 21:48:49',1,X'b2b175a8aaedd9bb6d74defa28b1e61f4956776fc9775785b625833a64d9df59bb1cdae34d2d0631c44e98886d550807',736131);
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO meta VALUES('canary','Qca7MIkw.6ZjQVSKR68VXVLXP.Rrx_Vad9aALc_OLEMJP0X_bMCEZaNA');
INSERT INTO meta VALUES('signed_lifetimes','3600 0 0');
INSERT INTO meta VALUES('last_time','1800000000');
CREATE TABLE clients (
    id          TEXT NOT NULL PRIMARY KEY,
    metadata    TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
, origin TEXT NOT NULL DEFAULT 'registered', registration_hash TEXT NOT NULL DEFAULT '', grant_ended_at BIGINT NOT NULL DEFAULT 0);
INSERT INTO clients VALUES('jci_YnDdW7a5Oot_bVu4d7Uc2w','{"redirect_uris":["https://client.example/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"web","client_name":"Scripted client"}','',1800000000,1800000000,'registered','YDVMTF9-V92HlyrF7BznziLNh2Y6Io8y_9Uj23M4Ltk',1800000000);
CREATE TABLE people (
    id             TEXT NOT NULL PRIMARY KEY,
    issuer         TEXT NOT NULL,
    sub            TEXT NOT NULL,
    email          TEXT NOT NULL,
    email_verified BIGINT NOT NULL,
    name           TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL,
    UNIQUE (issuer, sub)
);
INSERT INTO people VALUES('u_sq44nnnscyibon5xi5n5bhifu7','http://127.0.0.1:48081','ada-lovelace','ada-lovelace@example.com',1,'Ada Lovelace',1800000000,1800000000);
INSERT INTO people VALUES('u_edeokk424ui73cdvnjtto33ja6','http://127.0.0.1:48081','grace-hopper','grace-hopper@example.com',1,'Grace Hopper',1800000000,1800000000);
CREATE TABLE sign_ins (
    id           BIGINT NOT NULL PRIMARY KEY,
    person       TEXT NOT NULL,
    upstream     TEXT NOT NULL,
    upstream_sid TEXT NOT NULL,
    auth_time    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL
);
INSERT INTO sign_ins VALUES(276211068871139496,'u_sq44nnnscyibon5xi5n5bhifu7','idp','',1800000000,1800000000,1800028800,0);
INSERT INTO sign_ins VALUES(276211066457907036,'u_edeokk424ui73cdvnjtto33ja6','idp','',1800000000,1800000000,1800028800,0);
CREATE TABLE logins (
    id          BIGINT NOT NULL PRIMARY KEY,
    stage       TEXT NOT NULL,
    request     TEXT NOT NULL,
    client      TEXT NOT NULL,
    upstream    TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    state_hash  TEXT NOT NULL,
    cookie_hash TEXT NOT NULL,
    notice      TEXT NOT NULL,
    claimed_at  BIGINT NOT NULL,
    sign_in     BIGINT NOT NULL,
    grant_id    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
INSERT INTO logins VALUES(276211067935952845,'answered','client_id=jci_YnDdW7a5Oot_bVu4d7Uc2w&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&scope=read+openid+email+offline_access&state=stored-state','jci_YnDdW7a5Oot_bVu4d7Uc2w','idp',0,'','rToUJILGIGe1YZEubaYC-zOTl6e3iXe7MgM48HbyC7k','',1800000000,276211068871139496,276211065458109257,1800000000,1800001800);
INSERT INTO logins VALUES(276211066100186321,'allowed','client_id=jci_YnDdW7a5Oot_bVu4d7Uc2w&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&max_age=3600&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state','jci_YnDdW7a5Oot_bVu4d7Uc2w','live',0,'8ZuPRIMiFDB6KWEsdCKLCvsH6mCI8FRMmzbf5_zSYNw','36qMZerV0no5npG537hPbUTmkzfh-WjhdfPdrhmVrXY','',0,0,0,1800000000,1800001800);
INSERT INTO logins VALUES(276211067395977893,'identified','client_id=jci_YnDdW7a5Oot_bVu4d7Uc2w&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state','jci_YnDdW7a5Oot_bVu4d7Uc2w','idp',0,'','xRQ2vlDVOvfOBoHHes9SOUuWp0Jlaa5vJ6a-zgFLcls','',1800000000,276211066457907036,0,1800000000,1800001800);
CREATE TABLE grants (
    id              BIGINT NOT NULL PRIMARY KEY,
    kind            TEXT NOT NULL,
    person          TEXT NOT NULL,
    sign_in         BIGINT NOT NULL,
    client          TEXT NOT NULL,
    resources       TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    nonce           TEXT NOT NULL,
    auth_time       BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    code_hash       TEXT NOT NULL,
    code_challenge  TEXT NOT NULL,
    redirect_uri    TEXT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    redeemed_at     BIGINT NOT NULL,
    tag_hash        TEXT NOT NULL,
    rt_hash         TEXT NOT NULL,
    rt_prev         TEXT NOT NULL,
    rt_salt         TEXT NOT NULL,
    rt_gen          BIGINT NOT NULL,
    rt_at           BIGINT NOT NULL,
    rt_expires_at   BIGINT NOT NULL,
    bound_key       TEXT NOT NULL,
    access_until    BIGINT NOT NULL,
    revoked_at      BIGINT NOT NULL,
    revoked_why     TEXT NOT NULL
);
INSERT INTO grants VALUES(276211065458109257,'code','u_sq44nnnscyibon5xi5n5bhifu7',276211068871139496,'jci_YnDdW7a5Oot_bVu4d7Uc2w','http://localhost:8080/mcp','email offline_access openid read','',1800000000,1800000000,1831536000,'H-uMSRORm9kqwdWh87zURsu_aBJ1i4_pVDnSqlytU40','45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw','https://client.example/callback',1800000060,1800000000,'rpAXk7Te-lvh6yvtSmaq43dWScbnZi-jPHbVO8xuiPk','Xl5FOksjBCZJHM4uOlM4RviXCZ9lq3Ik9DPrZv5E6eA','','',1,1800000000,1802592000,'',1800003840,0,'');
INSERT INTO grants VALUES(276211068434509567,'code','u_sq44nnnscyibon5xi5n5bhifu7',276211068871139496,'jci_YnDdW7a5Oot_bVu4d7Uc2w','http://localhost:8080/mcp','read','',1800000000,1800000000,1831536000,'Yj2IDuLeRcg7e60R_mdvJ17eOwuzGaT9JAsMVZPOWCA','45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw','https://client.example/callback',1800000060,0,'','','','',0,0,0,'',0,0,'');
CREATE TABLE consents (
    person         TEXT NOT NULL,
    client         TEXT NOT NULL,
    redirect_uri   TEXT NOT NULL,
    resource       TEXT NOT NULL,
    scopes         TEXT NOT NULL,
    client_version TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    used_at        BIGINT NOT NULL,
    PRIMARY KEY (person, client, redirect_uri, resource)
);
INSERT INTO consents VALUES('u_sq44nnnscyibon5xi5n5bhifu7','jci_YnDdW7a5Oot_bVu4d7Uc2w','https://client.example/callback','http://localhost:8080/mcp','read','gA6NPKLUgndSfMJi0br3R3pPXwvBL7BkpnGIcX37k5U',1800000000,1800000000);
CREATE TABLE sessions (
    id_hash    TEXT NOT NULL PRIMARY KEY,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO sessions VALUES('ukVqTcoOgMoSmbJNuD_a1IQU194RpjmG4eNMDCWo1pY','{"sign_in":"23jonhb3exm0"}',1800028800);
INSERT INTO sessions VALUES('CERNDcKKSaSoly0H3VIP7As-DzM15hyb-AugWxVCjFE','{"sign_in":"23jong76mzj0"}',1800028800);
CREATE TABLE signing_keys (
    alg        TEXT NOT NULL,
    slot       BIGINT NOT NULL,
    kid        TEXT NOT NULL UNIQUE,
    public_jwk TEXT NOT NULL,
    sealed     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    sign_from  BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL, purpose TEXT NOT NULL DEFAULT 'access',
    PRIMARY KEY (alg, slot)
);
INSERT INTO signing_keys VALUES('ES256',0,'vx0YtAU-2uEvyI048ILQZCDLxPH3JQxYiklPI82kLvA','{"alg":"ES256","crv":"P-256","kid":"vx0YtAU-2uEvyI048ILQZCDLxPH3JQxYiklPI82kLvA","kty":"EC","use":"sig","x":"kY_8gWfot_d7Q-F2ilmtT9QUVPAUKP2ylsPQrCUC8w0","y":"9uka7luLZzkxFv_SC4FZlspzcLg4Cqgjsk9qtBnJ0Cw"}','Qca7MIkw.v0UKhYo-xRWNn57A.sPO_iNzium-JZl9UDwbVq5ZP2ysNqqyxkRplMgkWhFxU6AUg9qOWFmGtRm0oz2V9eejq5eVMN_JGvqfAqbr_z8kmoDxkUIi6YwwM43D45nG31C0mhnUXh7sngljB8VkeemPViVFy5P4-KqnCJ-B_PsQUycy3YprrNiBrPGVANSNIci-gFxxgBUFF5GpRATdIolDeJHw5Rn0q9w',1800000000,1800000000,0,'access');
INSERT INTO signing_keys VALUES('RS256',0,'IQrKu4Mfow4sXYYEw3xT932i5pNZ41a_I8vf-DNUyus','{"alg":"RS256","e":"AQAB","kid":"IQrKu4Mfow4sXYYEw3xT932i5pNZ41a_I8vf-DNUyus","kty":"RSA","n":"vIkZjHGKI2By455mRx5mtiqc9QAbJQHBTflGwKsnOzngeKgyyBgF7zb5AdhgsdWiK8gxrlP73BDB6OxCvlnGC-ZSf3Olk6_QYMh7luA308D6jYfISmxvDbDsU7k5PHN5ZfptKxVjJUhAbXP1FuSDlD-6hgrK65LgYfyqfezDz6yQ2vsqD51KswYSZVg2OoTgm5ff3nTHwTwsYhkaPywmlpDeKI9GOAYnop0HnQy8Cm4MO7QErv9BY585p4ZJN-rCsH6d0DtBA35z91DRn0SyLYGYGD_QM7N4BJB0sIebDSlTQFWGaILO0sXHsA1WQvJtpszRT4Q2GMS7kxOrf9dfzw","use":"sig"}','Qca7MIkw.5MUPbVbjeLS32Vmt._mEFajNTbM014SyIDV2F6ZaWS1WG6AxCm_FHsw2XOZ6ZD6UMIDzhhjkEyAnScO9quqtboSa2MRuWKyid1Eoe8So6YBhprlgJHptvY6F1uw00LylBBtq0IjGusv8YlfZl9APxWzyfWaxy9mIQr6W_GTt3ckgWYwI-yuu8lGH5nHSYAwQA4TG-qBY5a25LS9HQzjcOiIT8No7AhSjqkC3S1WWJLkwxjbqIUfzHrhlEuTH8VBzNyOHb4ncjVFb-dsTGmWeYciqzOR_QRfamekQJCbi6sUQzF5nGVe9VIUyG91dT5KJdbeADvdBJPMc1XLeNmFPA2y3rxrdmjUWWIXuVqDPXrttV_TNZ8fP4BnemVaO7FV6uBPwbiIBBaH1u7SpfGx4l6TBg1eQKvdWsSORIwmme4MGeecq9QlUdZIqTIaGjfXDKH-327TjMS_tF1Vq7azxAB3kjK2dxuczEX9R2QTPI5jT2-TWFhx0L1ep66_1xwz7GOZMPvLCi4I68Q7Gedd4cV5yjuERDj4s1x_xehhNgCtsZeyVxmP-TSxhARR3fqE2o3d7CRhMKTVglN4-XjRU3xSHH6yF0MAiXawf13CSrIefQtdeXuTNPPM9vecPxf5UUMyAjZTvdzbV3SXsZLj2Qkdq3hDOE67ktNWBP6Npcsqgw0wUP_iQjbVKxrqnYSZRTJZy0RdJkYDL9co_4QWG7tHxdSsvt3DQ-HG4fzzdXVS2jVCVgTqjF__8n2vjJXWpkyvWq_qFTCR97e_lUEsxlH7baGWIyZzhoj9GrU6tYG-tGNgpnUBc3-RXT69grAwSEcA5GbQ_66PMG1OFPLzJMAymxeNHwUcJneXf08zCNrjKquMJxtkh10n-jHNhGBKqfSpKEp1w_xSvLkvBZRAle87tHuwkZQ3N10GI1ZHmxzU2o9ZJ10loDhs8GTpCd3KV7HFp65Pz4z-3ceC4eeY_NPWDNBJB3O1-JbslD-ihHR2r33ciH7ei7Imp8TxvJOyoQ1fhdhOxvLLASKfUUeqGt2I9_YAdPK_ma-G-0uG3u11PEUm3Il36LHja7jzvrTpMtQNzRuagY5UsXYC6339nCNMMwfizOnrWv2cG0Jfii_o_2GQEL-QkGmCZqhNNtQFW4YzvvWeZ_7cg_sJ-PsuWxEeJXoDNPp7aSpccNTRfwecrhJVlXl3nWqVsO4YmS7XzCNidglquYSjZu5qszaV2UFFnPlfLkZNiRO1DGTYPxHYrvJTXICJrhwym8y_qiUtwNi5jEm6Cdse3FMey7W_80UOc2LsSdvWx466-p4KEUVzdOXYznAxd1zPWwf8szgfMumANYr9VuIhHeo4TvGAjv4982Ec27mvL0EvArxsh0PxrkhC6vvN-BdgiPT6HjUAZ8tYvX2S5YfnWdmg2Phtl9E5oX8v_gzXER40H9JSB-wm9wB11heA3W6qUMgMyPpzYftt3Vgf2ouqb-_2Qlgu_6_6fNPjavVLal8piW9xdIKTSdvx5PEOVFmmr0tYz8N8NSR2-n-MYMEd8_QGCrtFYzfSd6llKb98UPdY2DPBFSgR7wPj0yN1IF8s_dBCowqZuqMUXFhdIG9qQAF1r5q5f_ueI4vhUWjtm4FZepfPwTQKAWkQ2_hGpxanro46w',1800000000,1800000000,0,'id');
CREATE TABLE replicas (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
INSERT INTO replicas VALUES('igXwJ7oyDXZi',1800000000);
CREATE TABLE jti_seen (
    issuer TEXT NOT NULL,
    jti    TEXT NOT NULL,
    until  BIGINT NOT NULL,
    PRIMARY KEY (issuer, jti)
);
CREATE INDEX clients_updated ON clients (updated_at);
CREATE INDEX sign_ins_upstream ON sign_ins (upstream, upstream_sid);
CREATE INDEX sign_ins_person ON sign_ins (person);
CREATE INDEX logins_expiry ON logins (expires_at);
CREATE INDEX grants_revoked ON grants (revoked_at) WHERE revoked_at > 0;
CREATE INDEX grants_person ON grants (person);
CREATE INDEX grants_client ON grants (client);
CREATE INDEX grants_sign_in ON grants (sign_in);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX consents_client ON consents (client);
CREATE INDEX jti_seen_until ON jti_seen (until);
COMMIT;
