//! Connections that ask the server whether it validated what it says.

use std::net::IpAddr;
use std::pin::Pin;

use hickory_resolver::config::ConnectionConfig;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsExchange, DnsHandle};
use hickory_resolver::proto::op::DnsRequest;
use hickory_resolver::{ConnectionProvider, PoolContext};

/// hickory-resolver has no option for the AD bit of a query, but a seam for connections.
#[derive(Clone, Default)]
pub(super) struct Asking(TokioRuntimeProvider);

impl ConnectionProvider for Asking {
    type Conn = Connection;
    type FutureConn = Pin<Box<dyn Future<Output = Result<Connection, NetError>> + Send>>;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        context: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        let exchange = self.0.new_connection(ip, config, context)?;
        Ok(Box::pin(async move { exchange.await.map(Connection) }))
    }

    fn runtime_provider(&self) -> &TokioRuntimeProvider {
        &self.0
    }
}

#[derive(Clone)]
pub(super) struct Connection(DnsExchange<TokioRuntimeProvider>);

impl DnsHandle for Connection {
    type Response = <DnsExchange<TokioRuntimeProvider> as DnsHandle>::Response;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, mut request: DnsRequest) -> Self::Response {
        // RFC 6840 section 5.7: by this bit an asker says that it wants to know, without signatures.
        request.metadata.authentic_data = true;
        self.0.send(request)
    }
}
